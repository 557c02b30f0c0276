// The methods of `task`. Who asks is read from the session's badge: a program, or a service of the manifest.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/task_server.h"
#include "libipc/start/start.h"
#include "servers/process/state.h"

enum { NAME_READ_BYTES = PROGRAM_NAME_BYTES + PROGRAM_ARGUMENT_BYTES };

// ERR_NO_PROCESS: the session's program has ended.
static error_t caller_find(const struct request *request, struct caller *caller) {
    if (request->badge & BADGE_SERVICE) {
        *caller = (struct caller){.owner = request->badge, .id = PROGRAM_ID_SYSTEM};
        return ERR_OK;
    }
    struct program *program = badge_program(BADGE_PROGRAM, request->badge);
    if (program == NULL || program->state == TASK_STATE_ENDED)
        return ERR_NO_PROCESS;
    *caller = (struct caller){
        .program = program, .id = program->id, .group = program->group, .session = program->session, .user = program->user};
    return ERR_OK;
}

// The same, where only a program makes sense.
static error_t caller_program(const struct request *request, struct program **program) {
    struct caller caller;
    error_t error = caller_find(request, &caller);
    *program = caller.program;
    return error == ERR_OK && caller.program == NULL ? ERR_NO_PROCESS : error;
}

static error_t read_name(struct request *request, struct program *program, uint64_t size) {
    char text[NAME_READ_BYTES];
    if (size > sizeof(text))
        size = sizeof(text);
    error_t error = request_copy_in(request, 0, text, size);
    if (error == ERR_OK)
        program_set_name(program, text, size);
    return error;
}

static error_t op_create(struct request *request, const struct task_create_in *in, struct task_create_out *out) {
    struct caller caller;
    struct program *program;
    if (in->flags != 0)
        return ERR_INVALID;
    error_t error = caller_find(request, &caller);
    if (error == ERR_OK)
        error = program_create(&caller, &program, &out->process, &out->account, &out->child);
    if (error == ERR_OK)
        out->id = program->id;
    return error;
}

static error_t op_start(struct request *request, const struct task_start_in *in, struct task_start_out *out) {
    (void)out;
    struct program *program;
    error_t error = caller_program(request, &program);
    if (error != ERR_OK)
        return error;
    if (program->state != TASK_STATE_EMPTY)
        return ERR_BUSY;
    error = read_name(request, program, in->name_size);
    if (error != ERR_OK)
        return error;
    uint64_t signal = program_early_end(program), early = program->early;
    if (signal != 0) {
        program_end(program, EXIT_KIND_KILLED, (uint32_t)signal);
        return ERR_OK;
    }
    error = program_start_thread(program, in->entry, in->stack, in->argument, in->message_page);
    if (error != ERR_OK)
        return error;
    program->early = 0;
    for (signal = 1; signal <= SIGNAL_LAST; signal++)
        if (early >> (signal - 1) & 1)
            program_signal(program, signal);
    return ERR_OK;
}

static error_t op_exit(struct request *request, const struct task_exit_in *in, struct task_exit_out *out) {
    (void)out;
    struct program *program;
    error_t error = caller_program(request, &program);
    if (error == ERR_OK)
        program_end(program, EXIT_KIND_EXITED, (uint32_t)in->code & 0xff);
    return error;
}

static error_t op_wait(struct request *request, const struct task_wait_in *in, struct task_wait_out *out) {
    struct process_server *server = &process_server;
    for (;;) {
        struct caller caller;
        struct program *found;
        error_t error = caller_find(request, &caller); // anew: it may have ended meanwhile
        if (error == ERR_OK)
            error = program_wait_select(server->table, &caller, in->which, in->flags, &found);
        if (error != ERR_OK)
            return error;
        if (found != NULL) {
            program_describe_end(found, &out->end);
            if (in->flags & WAIT_FLAG_KEEP)
                return ERR_OK;
            if (found->state == TASK_STATE_ENDED)
                program_free(found);
            else
                found->news = NEWS_NONE;
            return ERR_OK;
        }
        if (in->flags & WAIT_FLAG_NO_HANG)
            return ERR_OK; // id 0
        if (caller.program != NULL && caller.program->interrupted) {
            caller.program->interrupted = 0;
            return ERR_INTERRUPTED;
        }
        error = fiber_wait(caller.program != NULL ? &server->waiters[program_index(server->table, caller.program)]
                                                  : &server->service_waiters);
        if (error == ERR_OK && !request_is_open(request))
            error = ERR_NO_REQUEST; // who waited has ended: the news is for its next actor
        if (error != ERR_OK)
            return error;
    }
}

static error_t signal_one(const struct caller *caller, uint64_t id, uint64_t signal) {
    struct program *program = program_find(process_server.table, id);
    if (program == NULL)
        return ERR_NO_PROCESS;
    if (!program_may_signal(caller, program, signal))
        return ERR_NOT_PERMITTED;
    if (signal != 0)
        program_signal(program, signal);
    return ERR_OK;
}

static error_t signal_all(const struct caller *caller, uint64_t signal) {
    struct program_table *table = process_server.table;
    error_t result = ERR_NO_PROCESS;
    for (uint32_t i = 0; i < table->used; i++) {
        struct program *program = &table->programs[i];
        if (program->id == 0 || program == caller->program || !program_may_signal(caller, program, signal))
            continue;
        result = ERR_OK;
        if (signal != 0)
            program_signal(program, signal);
    }
    return result;
}

static error_t op_kill(struct request *request, const struct task_kill_in *in, struct task_kill_out *out) {
    (void)out;
    struct caller caller;
    error_t error = caller_find(request, &caller);
    if (error != ERR_OK)
        return error;
    if (in->signal > SIGNAL_LAST)
        return ERR_INVALID;
    if (in->which > 0)
        return signal_one(&caller, (uint64_t)in->which, in->signal);
    if (in->which == -1)
        return signal_all(&caller, in->signal);
    uint64_t group = in->which == 0 ? caller.group : -(uint64_t)in->which;
    return group == 0 ? ERR_NO_PROCESS : program_signal_group(&caller, group, in->signal);
}

static void describe(struct program *program, struct task_information *information) {
    struct task_information measured = {0};
    program_measure(program, &measured);
    program_describe(program, information);
    information->threads = measured.threads;
    information->memory_bytes = measured.memory_bytes;
}

static error_t op_information(struct request *request, const struct task_information_in *in, struct task_information_out *out) {
    struct caller caller;
    error_t error = caller_find(request, &caller);
    if (error != ERR_OK)
        return error;
    struct program *program = in->id == 0 ? caller.program : program_find(process_server.table, in->id);
    if (program == NULL)
        return ERR_NO_PROCESS;
    describe(program, &out->information);
    return ERR_OK;
}

static error_t op_next(struct request *request, const struct task_next_in *in, struct task_next_out *out) {
    (void)request;
    struct program *program = program_after(process_server.table, in->id);
    if (program == NULL)
        return ERR_NOT_FOUND;
    describe(program, &out->information);
    return ERR_OK;
}

static error_t op_set_group(struct request *request, const struct task_set_group_in *in, struct task_set_group_out *out) {
    (void)out;
    struct caller caller;
    error_t error = caller_find(request, &caller);
    return error != ERR_OK ? error : program_set_group(process_server.table, &caller, in->id, in->group);
}

static error_t op_new_session(struct request *request, const struct task_new_session_in *in, struct task_new_session_out *out) {
    (void)in;
    struct caller caller;
    error_t error = caller_find(request, &caller);
    if (error == ERR_OK)
        error = program_new_session(process_server.table, &caller);
    if (error == ERR_OK)
        out->session = caller.program->session;
    return error;
}

static error_t op_identify(struct request *request, const struct task_identify_in *in, struct task_identify_out *out) {
    (void)request;
    uint64_t badge;
    error_t error = endpoint_identify(process_server.server.endpoint, in->other, &badge);
    if (error != ERR_OK)
        return ERR_WRONG_KIND;
    struct program *program = badge_program(BADGE_PROGRAM, badge);
    if (program == NULL)
        return ERR_WRONG_KIND;
    describe(program, &out->information);
    return ERR_OK;
}

static error_t op_open(struct request *request, const struct task_open_in *in, struct task_open_out *out) {
    struct caller caller;
    error_t error = caller_find(request, &caller);
    if (error != ERR_OK)
        return error;
    struct program *program = program_find(process_server.table, in->id);
    if (program == NULL || program->process == 0)
        return ERR_NO_PROCESS;
    if (caller.user != 0 && caller.user != program->user)
        return ERR_NOT_PERMITTED;
    uint64_t rights = program_is_child(program, &caller) ? RIGHTS_ALL : RIGHT_INSPECT | RIGHT_COPY;
    return slot_duplicate(program->process, rights, &out->process);
}

static error_t op_set_name(struct request *request, const struct task_set_name_in *in, struct task_set_name_out *out) {
    (void)out;
    struct program *program;
    error_t error = caller_program(request, &program);
    return error != ERR_OK ? error : read_name(request, program, in->name_size);
}

static error_t op_set_user(struct request *request, const struct task_set_user_in *in, struct task_set_user_out *out) {
    (void)out;
    struct program *program;
    error_t error = caller_program(request, &program);
    if (error != ERR_OK)
        return error;
    if (program->user != 0 && (in->user != program->user || in->group != program->user_group))
        return ERR_NOT_PERMITTED;
    program->user = (uint32_t)in->user;
    program->user_group = (uint32_t)in->group;
    return ERR_OK;
}

// The leader of the caller's session; NULL if it has ended.
static struct program *session_leader(const struct caller *caller) {
    return caller->session == 0 ? NULL : program_find(process_server.table, caller->session);
}

static error_t op_set_foreground(struct request *request, const struct task_set_foreground_in *in,
                                 struct task_set_foreground_out *out) {
    (void)out;
    struct caller caller;
    error_t error = caller_find(request, &caller);
    if (error != ERR_OK)
        return error;
    struct program *leader = session_leader(&caller);
    if (leader == NULL || !program_group_exists(process_server.table, in->group, caller.session))
        return leader == NULL ? ERR_NO_PROCESS : ERR_NOT_PERMITTED;
    leader->foreground = (uint32_t)in->group;
    return ERR_OK;
}

static error_t op_foreground(struct request *request, const struct task_foreground_in *in, struct task_foreground_out *out) {
    (void)in;
    struct caller caller;
    error_t error = caller_find(request, &caller);
    if (error != ERR_OK)
        return error;
    const struct program *leader = session_leader(&caller);
    if (leader == NULL)
        return ERR_NO_PROCESS;
    out->group = leader->foreground;
    return ERR_OK;
}

static error_t op_kill_group(struct request *request, const struct task_kill_group_in *in, struct task_kill_group_out *out) {
    (void)out;
    if (!(request->badge & BADGE_SERVICE))
        return ERR_NOT_PERMITTED;
    if (in->signal > SIGNAL_LAST || in->group == 0)
        return ERR_NO_PROCESS;
    return program_signal_group(NULL, in->group, in->signal);
}

static error_t op_set_ignored(struct request *request, const struct task_set_ignored_in *in, struct task_set_ignored_out *out) {
    (void)out;
    struct program *program;
    error_t error = caller_program(request, &program);
    if (error == ERR_OK)
        program->ignored = in->signals;
    return error;
}

static error_t op_set_caught(struct request *request, const struct task_set_caught_in *in, struct task_set_caught_out *out) {
    (void)out;
    struct program *program;
    error_t error = caller_program(request, &program);
    if (error != ERR_OK)
        return error;
    if (in->notification != 0) {
        slot_release(program->caught_by);
        program->caught_by = request_keep(request, in->notification);
    }
    if (in->signals != 0 && program->caught_by == 0)
        return ERR_INVALID;
    program->caught = in->signals;
    return ERR_OK;
}

// init decides; programs may be wrong.
static error_t op_complain(struct request *request, const struct task_complain_in *in, struct task_complain_out *out) {
    (void)request;
    (void)out;
    return service_blame(startup_capability("blame"), in->server);
}

const struct task_ops task_server_ops = {
    .create = op_create,
    .start = op_start,
    .exit = op_exit,
    .wait = op_wait,
    .kill = op_kill,
    .information = op_information,
    .next = op_next,
    .set_group = op_set_group,
    .new_session = op_new_session,
    .identify = op_identify,
    .open = op_open,
    .set_name = op_set_name,
    .set_user = op_set_user,
    .set_foreground = op_set_foreground,
    .foreground = op_foreground,
    .kill_group = op_kill_group,
    .set_ignored = op_set_ignored,
    .set_caught = op_set_caught,
    .complain = op_complain,
};
