// A program's life in kernel objects: an account, a process made from it, its first thread, and the end of
// all three. Invariant: a program that has not ended holds a process and an account capability; one that has
// holds none.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "servers/process/state.h"

enum { THREAD_USES_FPU = 1, MESSAGE_PAGE_BYTES = 4096 };

uint64_t badge_make(enum badge_kind kind, const struct program *program) {
    return (uint64_t)kind << 56 | (uint64_t)program_index(process_server.table, program) << 32 | program->id;
}

struct program *badge_program(enum badge_kind kind, uint64_t badge) {
    uint64_t index = badge >> 32 & 0xffffff;
    if (badge >> 56 != kind || index >= process_server.table->used)
        return NULL;
    struct program *program = &process_server.table->programs[index];
    return program->id != 0 && program->id == (uint32_t)badge ? program : NULL;
}

static void release(cap_t *slot) {
    slot_release(*slot);
    *slot = 0;
}

// An account may use whatever is left of the role's: its ceiling is that of programs.
static error_t create_account(struct program *program) {
    uint64_t quota;
    error_t error = account_information(SLOT_ACCOUNT, &quota, NULL, NULL, NULL);
    if (error != ERR_OK)
        return error;
    return account_create_account(SLOT_ACCOUNT, quota, PROGRAM_PRIORITY, &program->account);
}

static error_t install_fixed_slots(const struct program *program) {
    const struct {
        uint64_t slot, rights;
        cap_t capability;
    } fixed[] = {
        {SLOT_SELF, 0, program->process},
        {SLOT_ACCOUNT, RIGHTS_ALL & ~RIGHT_MINT, program->account},
        {SLOT_KERNEL, RIGHT_RANDOM, SLOT_KERNEL},
        {SLOT_CLOCK, 0, SLOT_CLOCK},
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        error_t error = process_install(program->process, fixed[i].slot, fixed[i].rights, fixed[i].capability);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

void program_discard(struct program *program) {
    if (program->process != 0) {
        error_t ignored = server_end_process(program->process); // ERR_DYING: it is gone already
        (void)ignored;
    }
    release(&program->thread);
    release(&program->process);
    release(&program->account);
    program_free(program);
}

error_t program_create(const struct caller *caller, struct program **out, cap_t *process, cap_t *account, cap_t *session) {
    struct program *program;
    struct process_information information;
    error_t error = program_allocate(process_server.table, caller, &program);
    if (error != ERR_OK)
        return error;
    error = create_account(program);
    if (error == ERR_OK)
        error = account_create_process(program->account, &program->process);
    if (error == ERR_OK)
        error = process_information(program->process, &information);
    if (error == ERR_OK)
        error = install_fixed_slots(program);
    if (error != ERR_OK)
        goto fail;
    program->serial = information.serial;
    error = slot_duplicate(program->process, RIGHTS_ALL, process);
    if (error != ERR_OK)
        goto fail;
    error = slot_duplicate(program->account, RIGHTS_ALL, account);
    if (error != ERR_OK)
        goto fail_process;
    error = endpoint_create_session(process_server.server.endpoint, badge_make(BADGE_PROGRAM, program), session);
    if (error != ERR_OK)
        goto fail_account;
    *out = program;
    return ERR_OK;
fail_account:
    release(account);
fail_process:
    release(process);
fail:
    program_discard(program);
    return error;
}

// Exceptions and the exit are told by a session of their own.
static error_t set_keeper(const struct program *program) {
    cap_t keeper;
    error_t error = endpoint_create_session(process_server.server.endpoint, badge_make(BADGE_KEEPER, program), &keeper);
    if (error != ERR_OK)
        return error;
    error = process_set_keeper(program->process, keeper);
    slot_release(keeper); // the process holds it
    return error;
}

error_t program_start_thread(struct program *program, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t message_page) {
    cap_t thread;
    struct process_information information;
    error_t error = set_keeper(program);
    if (error == ERR_OK)
        error = process_information(program->process, &information);
    if (error == ERR_OK && information.threads != 0) { // made by an actor before, which did not get to say so; it never ran
        error = process_end_threads(program->process);
        if (error == ERR_OK && message_page != 0)
            error = process_unmap(program->process, message_page, MESSAGE_PAGE_BYTES);
        if (error == ERR_OK)
            error = process_slot_delete(program->process, SLOT_THREAD);
    }
    if (error != ERR_OK)
        return error;
    error = process_create_thread(program->process, entry, stack, argument, PROGRAM_PRIORITY, message_page, THREAD_USES_FPU, NULL,
                                  &thread);
    if (error != ERR_OK)
        return error;
    error = process_install(program->process, SLOT_THREAD, 0, thread);
    if (error == ERR_OK)
        error = server_start_thread(thread);
    if (error != ERR_OK) {
        error_t ignored = thread_destroy(thread);
        (void)ignored;
        slot_release(thread);
        return error;
    }
    program->thread = thread;
    program->started = clock_monotonic();
    program->state = TASK_STATE_RUNNING;
    return ERR_OK;
}

void program_measure(struct program *program, struct task_information *information) {
    struct process_information process;
    uint64_t used, peak;
    if (program->process != 0 && process_information(program->process, &process) == ERR_OK) {
        program->cpu_time = process.cpu_time;
        if (information != NULL)
            information->threads = process.threads;
    }
    if (program->account != 0 && account_information(program->account, NULL, &used, &peak, NULL) == ERR_OK) {
        program->peak_memory = peak;
        if (information != NULL)
            information->memory_bytes = used;
    }
    if (information != NULL)
        information->cpu_time = program->cpu_time;
}

static void wake_parent(const struct program *program) {
    if (program->parent == PROGRAM_ID_SYSTEM) {
        fiber_wake_all(&process_server.service_waiters);
        return;
    }
    const struct program *parent = program_find(process_server.table, program->parent);
    if (parent != NULL)
        fiber_wake_all(&process_server.waiters[program_index(process_server.table, parent)]);
}

// Its children have nobody to wait for them any more.
static void orphan_children(const struct program *parent) {
    struct program_table *table = process_server.table;
    for (uint32_t i = 0; i < table->used; i++) {
        struct program *program = &table->programs[i];
        if (program->id == 0 || program->parent != parent->id)
            continue;
        program->parent = PROGRAM_ID_SYSTEM;
        if (program->state == TASK_STATE_EMPTY)
            program_discard(program);
        else if (program->state == TASK_STATE_ENDED)
            program_free(program);
    }
}

void program_end(struct program *program, uint32_t kind, uint32_t code) {
    if (program->state == TASK_STATE_ENDED)
        return;
    program_measure(program, NULL);
    error_t ignored = server_end_process(program->process); // ERR_DYING: it is gone already
    (void)ignored;
    release(&program->thread);
    release(&program->process);
    release(&program->account);
    release(&program->caught_by);
    program->state = TASK_STATE_ENDED;
    program->end_kind = kind;
    program->end_code = code;
    program->news = NEWS_NONE;
    fiber_wake_all(&process_server.waiters[program_index(process_server.table, program)]);
    orphan_children(program);
    // A session that loses its leader loses its terminal (POSIX, _exit).
    uint32_t foreground = program->id == program->session ? program->foreground : 0;
    if (program_has_waiter(program))
        wake_parent(program);
    else
        program_free(program);
    if (foreground != 0)
        ignored = program_signal_group(NULL, foreground, SIGNAL_HANG_UP); // ERR_NO_PROCESS: it is empty
}

static void set_news(struct program *program, uint32_t state, uint32_t news, uint32_t code) {
    program->state = state;
    program->news = news;
    program->end_code = code;
    wake_parent(program);
}

// What a program neither ignores nor catches has the default action of POSIX <signal.h>. A caught signal is a bit in the
// program's own notification: its libc calls the handler when it next enters a call (libc/system/signal.c).
void program_signal(struct program *program, uint64_t signal) {
    if (program->state == TASK_STATE_EMPTY) {
        program_signal_early(program, signal);
        return;
    }
    if (program->state == TASK_STATE_ENDED)
        return;
    error_t error;
    switch (program_signal_action(program, signal)) {
    case SIGNAL_END:
        program_end(program, EXIT_KIND_KILLED, (uint32_t)signal);
        break;
    case SIGNAL_STOP:
        if (program->state == TASK_STATE_RUNNING) {
            error = thread_stop(program->thread);
            if (error == ERR_OK)
                set_news(program, TASK_STATE_STOPPED, NEWS_STOPPED, (uint32_t)signal);
        }
        break;
    case SIGNAL_CONTINUE:
        if (program->state == TASK_STATE_STOPPED) {
            error = thread_start(program->thread);
            if (error == ERR_OK)
                set_news(program, TASK_STATE_RUNNING, NEWS_CONTINUED, (uint32_t)signal);
        }
        break;
    case SIGNAL_CATCH:
        program->interrupted = 1;
        error = notification_signal(program->caught_by, UINT64_C(1) << (signal - 1));
        (void)error; // it gave its own notification up
        fiber_wake_all(&process_server.waiters[program_index(process_server.table, program)]);
        break;
    case SIGNAL_IGNORE:
        break;
    }
}

error_t program_signal_group(const struct caller *caller, uint64_t group, uint64_t signal) {
    struct program_table *table = process_server.table;
    bool found = false, allowed = false;
    for (uint32_t i = 0; i < table->used; i++) {
        struct program *program = &table->programs[i];
        if (program->id == 0 || program->state == TASK_STATE_ENDED || program->group != group)
            continue;
        found = true;
        if (caller != NULL && !program_may_signal(caller, program, signal))
            continue;
        allowed = true;
        if (signal != 0)
            program_signal(program, signal);
    }
    if (!found)
        return ERR_NO_PROCESS;
    return allowed ? ERR_OK : ERR_NOT_PERMITTED;
}
