// The server `process`: programs as POSIX knows them. Wiring only: state memory, sessions, the loop.
#include <stddef.h>

#include "drivers/framework/driver.h"
#include "kernel/abi/capability.h"
#include "libipc/kept/undo.h"
#include "libipc/server/handover.h"
#include "libipc/start/start.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/task_server.h"
#include "servers/process/state.h"

struct process_server process_server;

int server_main(const struct startup *startup);

static error_t dispatch(struct request *request) {
    return request_protocol(request) == PROTOCOL_TASK ? task_dispatch(&task_server_ops, request) : ERR_BAD_METHOD;
}

// The maker of an unstarted child has let go of it: it will never run.
static void session_closed(uint64_t badge) {
    struct program *program = badge_program(BADGE_PROGRAM, badge);
    if (program != NULL && program->state == TASK_STATE_EMPTY)
        program_discard(program);
}

static error_t map_state(void) {
    cap_t state = startup_capability("state");
    uint64_t address, length = (sizeof(struct program_table) + 4095) / 4096 * 4096;
    error_t error = kept_map(state, length, &address);
    if (error == ERR_OK)
        process_server.table = (struct program_table *)address;
    return error;
}

// Of what an actor before held: what belongs to programs.
static bool claimed(cap_t slot) {
    const struct program_table *table = process_server.table;
    for (uint32_t i = 0; i < table->used; i++) {
        const struct program *program = &table->programs[i];
        if (program->id != 0 &&
            (slot == program->process || slot == program->account || slot == program->thread || slot == program->caught_by))
            return true;
    }
    return false;
}

// The table lies in state memory, with a version of its own: another build finds it there. Its capabilities go along.
static error_t give(struct handover *handover) {
    (void)handover;
    return ERR_OK;
}

static error_t take(struct handover *handover) {
    (void)handover;
    const struct program_table *table = process_server.table;
    for (uint32_t i = 0; i < table->used; i++) {
        const struct program *program = &table->programs[i];
        if (program->id == 0)
            continue;
        handover_claim(program->process);
        handover_claim(program->account);
        handover_claim(program->thread);
        handover_claim(program->caught_by);
    }
    return ERR_OK;
}

int server_main(const struct startup *startup) {
    struct server *server = &process_server.server;
    error_t error = map_state();
    if (error != ERR_OK)
        return 1;
    program_table_open(process_server.table);
    server_hands_over(server, NULL, give, take);
    if (!server_takes_over(server, startup) && startup->is_restart != 0)
        driver_reconcile(claimed);
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    server->event = program_event;
    server->session_closed = session_closed;
    return server_run(server) == ERR_OK ? 0 : 1;
}
