// Rules about programs that need no kernel; see table.h. POSIX.1-2017: setpgid, setsid, waitpid, kill.
#include "servers/process/table.h"

#include <stddef.h>
#include <string.h>

bool program_table_open(struct program_table *table) {
    if (table->magic == PROGRAM_TABLE_MAGIC && table->version == PROGRAM_TABLE_VERSION &&
        table->last_id >= PROGRAM_ID_FIRST - 1 && table->last_id <= PROGRAM_ID_LAST && table->used <= PROGRAMS_MAX)
        return true;
    if (table->magic != 0) // fresh memory is zero already
        for (uint32_t i = 0; i < PROGRAMS_MAX; i++)
            table->programs[i] = (struct program){0};
    table->used = 0;
    table->last_id = PROGRAM_ID_FIRST - 1;
    table->version = PROGRAM_TABLE_VERSION;
    table->magic = PROGRAM_TABLE_MAGIC;
    return false;
}

struct program *program_find(struct program_table *table, uint64_t id) {
    if (id < PROGRAM_ID_FIRST)
        return NULL;
    for (uint32_t i = 0; i < table->used; i++)
        if (table->programs[i].id == id)
            return &table->programs[i];
    return NULL;
}

struct program *program_after(struct program_table *table, uint64_t id) {
    struct program *best = NULL;
    for (uint32_t i = 0; i < table->used; i++) {
        struct program *program = &table->programs[i];
        if (program->id > id && (best == NULL || program->id < best->id))
            best = program;
    }
    return best;
}

uint32_t program_index(const struct program_table *table, const struct program *program) {
    return (uint32_t)(program - table->programs);
}

// An id must not be that of a living group or session either.
static bool id_in_use(const struct program_table *table, uint32_t id) {
    for (uint32_t i = 0; i < table->used; i++) {
        const struct program *program = &table->programs[i];
        if (program->id != 0 && (program->id == id || program->group == id || program->session == id))
            return true;
    }
    return false;
}

error_t program_allocate(struct program_table *table, const struct caller *parent, struct program **out) {
    struct program *program = NULL;
    for (uint32_t i = 0; i < table->used && program == NULL; i++)
        if (table->programs[i].id == 0)
            program = &table->programs[i];
    if (program == NULL && table->used == PROGRAMS_MAX)
        return ERR_AGAIN;
    if (program == NULL)
        program = &table->programs[table->used++];
    do {
        if (++table->last_id > PROGRAM_ID_LAST)
            table->last_id = PROGRAM_ID_FIRST;
    } while (id_in_use(table, table->last_id));
    *program = (struct program){.parent = parent->id, .owner = parent->owner, .user = parent->user};
    program->state = TASK_STATE_EMPTY;
    if (parent->program != NULL) {
        program->group = parent->group;
        program->session = parent->session;
        program->user_group = parent->program->user_group;
    } else { // what a service starts leads a session of its own
        program->group = program->session = table->last_id;
    }
    program->id = table->last_id;
    *out = program;
    return ERR_OK;
}

void program_free(struct program *program) {
    *program = (struct program){0};
}

bool program_is_child(const struct program *program, const struct caller *caller) {
    if (caller->program == NULL)
        return caller->owner != 0 && program->owner == caller->owner;
    return program->parent == caller->id;
}

bool program_has_waiter(const struct program *program) {
    return program->parent != PROGRAM_ID_SYSTEM || program->owner != 0;
}

bool program_may_signal(const struct caller *caller, const struct program *program, uint64_t signal) {
    return caller->user == 0 || caller->user == program->user ||
           (signal == SIGNAL_CONTINUE_NUMBER && caller->session == program->session);
}

bool program_group_exists(const struct program_table *table, uint64_t group, uint32_t session) {
    for (uint32_t i = 0; i < table->used; i++) {
        const struct program *program = &table->programs[i];
        if (program->id != 0 && program->state != TASK_STATE_ENDED && program->group == group &&
            (session == 0 || program->session == session))
            return true;
    }
    return false;
}

static bool wait_matches(const struct program *program, const struct caller *caller, int64_t which) {
    if (program->id == 0 || program->state == TASK_STATE_EMPTY || !program_is_child(program, caller))
        return false;
    if (which > 0)
        return program->id == (uint64_t)which;
    if (which == 0)
        return program->group == caller->group;
    return which == -1 || program->group == -(uint64_t)which;
}

static bool has_news(const struct program *program, uint64_t flags) {
    return program->state == TASK_STATE_ENDED || (program->news == NEWS_STOPPED && (flags & WAIT_FLAG_STOPPED)) ||
           (program->news == NEWS_CONTINUED && (flags & WAIT_FLAG_CONTINUED));
}

error_t program_wait_select(struct program_table *table, const struct caller *caller, int64_t which, uint64_t flags,
                            struct program **found) {
    bool any = false;
    *found = NULL;
    for (uint32_t i = 0; i < table->used; i++) {
        struct program *program = &table->programs[i];
        if (!wait_matches(program, caller, which))
            continue;
        any = true;
        if (has_news(program, flags) && (*found == NULL || program->id < (*found)->id))
            *found = program;
    }
    return any ? ERR_OK : ERR_NO_CHILD;
}

// A group lasts until the last of its members was waited for: the second program of a pipe joins it though the first has ended.
static bool group_can_be_joined(const struct program_table *table, uint64_t group, uint32_t session) {
    for (uint32_t i = 0; i < table->used; i++)
        if (table->programs[i].id != 0 && table->programs[i].group == group && table->programs[i].session == session)
            return true;
    return false;
}

error_t program_set_group(struct program_table *table, const struct caller *caller, uint64_t id, uint64_t group) {
    if (group > PROGRAM_ID_LAST)
        return ERR_INVALID;
    struct program *program = id == 0 ? caller->program : program_find(table, id);
    if (program == NULL || program->state == TASK_STATE_ENDED ||
        (program != caller->program && !program_is_child(program, caller)))
        return ERR_NO_PROCESS;
    if (program->id == program->session || (caller->program != NULL && program->session != caller->session))
        return ERR_NOT_PERMITTED;
    if (group == 0)
        group = program->id;
    if (group != program->id && !group_can_be_joined(table, group, program->session))
        return ERR_NOT_PERMITTED;
    program->group = (uint32_t)group;
    return ERR_OK;
}

error_t program_new_session(struct program_table *table, const struct caller *caller) {
    struct program *program = caller->program;
    if (program != NULL && program->state == TASK_STATE_EMPTY && program->session == program->id)
        return ERR_OK; // a service's child leads one from the beginning
    if (program == NULL || program_group_exists(table, program->id, 0))
        return ERR_NOT_PERMITTED;
    program->group = program->session = program->id;
    program->foreground = 0;
    return ERR_OK;
}

void program_set_name(struct program *program, const char *text, uint64_t length) {
    uint64_t end = 0, start = 0;
    for (; end < length && text[end] != 0; end++)
        if (text[end] == '/' && end + 1 < length && text[end + 1] != 0)
            start = end + 1; // a path's last part
    uint64_t name = end - start < PROGRAM_NAME_BYTES ? end - start : PROGRAM_NAME_BYTES - 1;
    uint64_t arguments = length < PROGRAM_ARGUMENT_BYTES ? length : PROGRAM_ARGUMENT_BYTES - 1;
    memset(program->name, 0, PROGRAM_NAME_BYTES);
    memcpy(program->name, text + start, name);
    memset(program->arguments, 0, PROGRAM_ARGUMENT_BYTES);
    memcpy(program->arguments, text, arguments);
}

void program_describe(const struct program *program, struct task_information *information) {
    *information = (struct task_information){
        .id = program->id,
        .parent = program->parent,
        .group = program->group,
        .session = program->session,
        .user = program->user,
        .user_group = program->user_group,
        .state = program->state,
        .started = program->started,
        .cpu_time = program->cpu_time,
        .serial = program->serial,
    };
    __builtin_memcpy(information->name, program->name, sizeof(information->name));
    __builtin_memcpy(information->arguments, program->arguments, sizeof(information->arguments));
}

void program_describe_end(const struct program *program, struct task_end *end) {
    *end = (struct task_end){.id = program->id, .cpu_time = program->cpu_time, .peak_memory = program->peak_memory};
    end->code = program->end_code;
    if (program->state == TASK_STATE_ENDED)
        end->kind = program->end_kind;
    else
        end->kind = program->news == NEWS_CONTINUED ? EXIT_KIND_CONTINUED : EXIT_KIND_STOPPED;
}

enum signal_action signal_default_action(uint64_t signal) {
    switch (signal) {
    case SIGNAL_CHILD:
    case SIGNAL_URGENT:
    case SIGNAL_WINDOW:
        return SIGNAL_IGNORE;
    case SIGNAL_CONTINUE_NUMBER:
        return SIGNAL_CONTINUE;
    case SIGNAL_STOP_NUMBER:
    case SIGNAL_TERMINAL_STOP:
    case SIGNAL_TERMINAL_INPUT:
    case SIGNAL_TERMINAL_OUTPUT:
        return SIGNAL_STOP;
    default:
        return SIGNAL_END;
    }
}

void program_signal_early(struct program *program, uint64_t signal) {
    if (signal >= 1 && signal <= SIGNAL_LAST)
        program->early |= UINT64_C(1) << (signal - 1);
    for (uint64_t stop = 1; signal == SIGNAL_CONTINUE_NUMBER && stop <= SIGNAL_LAST; stop++)
        if (signal_default_action(stop) == SIGNAL_STOP)
            program->early &= ~(UINT64_C(1) << (stop - 1));
}

uint64_t program_early_end(const struct program *program) {
    for (uint64_t signal = 1; signal <= SIGNAL_LAST; signal++)
        if ((program->early >> (signal - 1) & 1) && program_signal_action(program, signal) == SIGNAL_END)
            return signal;
    return 0;
}

// Continuing is not a matter of taste, nor are the two that can't be ignored.
enum signal_action program_signal_action(const struct program *program, uint64_t signal) {
    enum signal_action action = signal_default_action(signal);
    bool always = signal == SIGNAL_KILL || signal == SIGNAL_STOP_NUMBER || action == SIGNAL_CONTINUE;
    bool ignored = signal >= 1 && signal <= SIGNAL_LAST && (program->ignored >> (signal - 1) & 1) != 0;
    bool caught = signal >= 1 && signal <= SIGNAL_LAST && (program->caught >> (signal - 1) & 1) != 0;
    if (always)
        return action;
    return caught ? SIGNAL_CATCH : ignored ? SIGNAL_IGNORE : action;
}
