// The table of programs: ids, parents, groups, sessions and how each ended. Pure data and rules, in state
// memory, so that a new actor goes on with it. Invariant: ids are unique; an ended one stays until its parent
// has waited for it, and goes at once if nobody can. Called by task_ops.c and life.c; tested on the host.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/protocols/task.h"

enum {
    PROGRAMS_MAX = 1024,
    PROGRAM_NAME_BYTES = 32,
    PROGRAM_ARGUMENT_BYTES = 128,
    PROGRAM_ID_SYSTEM = 1, // stands for the services; parent of what has no other
    PROGRAM_ID_FIRST = 2,
    PROGRAM_ID_LAST = 0x3fffffff,
};

#define PROGRAM_TABLE_MAGIC   UINT64_C(0x656c6261746b7374) // "tsktable"
#define PROGRAM_TABLE_VERSION 4

enum task_news { NEWS_NONE = 0, NEWS_STOPPED = 1, NEWS_CONTINUED = 2 };

// state: enum task_state, TASK_STATE_EMPTY with an id for one that has not been started yet.
struct program {
    uint32_t id; // 0: this entry is free
    uint32_t parent;
    uint32_t group, session;
    uint32_t user, user_group;
    uint32_t state;
    uint32_t news;       // enum task_news: what its parent has not been told
    uint32_t end_kind;   // enum exit_kind, once it has ended
    uint32_t end_code;   // exit status or signal; of a stopped one: the signal
    uint32_t foreground; // of a session's leader: the group in the foreground, 0 for none
    cap_t process, account, thread;
    uint64_t owner;       // badge of the service that made it and waits for it, 0 if a program did
    uint64_t ignored;     // bit n - 1: signal n does nothing
    uint64_t caught;      // bit n - 1: signal n sets its bit in `caught_by` and does nothing else
    cap_t caught_by;      // notification, 0: none was given
    uint32_t interrupted; // a caught signal came and no wait was ended by it yet
    uint64_t early;       // bit n - 1: signal n came before it was started
    uint64_t started, cpu_time, peak_memory, serial;
    char name[PROGRAM_NAME_BYTES];
    char arguments[PROGRAM_ARGUMENT_BYTES];
};

struct program_table {
    uint64_t magic;
    uint32_t version;
    uint32_t last_id; // the one given last
    uint32_t used;    // entries below it have been in use
    uint32_t padding;
    struct program programs[PROGRAMS_MAX];
};

// Who asks: a program, or a service by a session of the manifest (program NULL; it may do what user 0 may).
struct caller {
    struct program *program;
    uint64_t owner;
    uint32_t id, group, session, user;
};

// Ready for use; keeps what an earlier actor left if it is sound. true: it was.
bool program_table_open(struct program_table *table);

// A new entry, its id and family filled in. ERR_AGAIN: the table is full.
MUST_USE error_t program_allocate(struct program_table *table, const struct caller *parent, struct program **program);
void program_free(struct program *program);

// NULL if there is none.
struct program *program_find(struct program_table *table, uint64_t id);
// The one with the next larger id.
struct program *program_after(struct program_table *table, uint64_t id);

uint32_t program_index(const struct program_table *table, const struct program *program);

bool program_is_child(const struct program *program, const struct caller *caller);
// Whether anybody can wait for it.
bool program_has_waiter(const struct program *program);
bool program_may_signal(const struct caller *caller, const struct program *program, uint64_t signal);
// Whether a group has members that have not ended; in any session if that is 0.
bool program_group_exists(const struct program_table *table, uint64_t group, uint32_t session);

// What wait(2) gives now: *found NULL if the caller must wait. ERR_NO_CHILD: nothing to wait for.
MUST_USE error_t program_wait_select(struct program_table *table, const struct caller *caller, int64_t which, uint64_t flags,
                                     struct program **found);

// setpgid(2) and setsid(2).
MUST_USE error_t program_set_group(struct program_table *table, const struct caller *caller, uint64_t id, uint64_t group);
MUST_USE error_t program_new_session(struct program_table *table, const struct caller *caller);

// The name out of "name NUL argument NUL argument", of a path its last part; and all of it as the arguments,
// the first being the name as it was given. `length` bytes, cut where they do not fit.
void program_set_name(struct program *program, const char *text, uint64_t length);

void program_describe(const struct program *program, struct task_information *information);
void program_describe_end(const struct program *program, struct task_end *end);

// What a signal does to a program that has no say in it.
enum signal_action { SIGNAL_IGNORE, SIGNAL_CATCH, SIGNAL_END, SIGNAL_STOP, SIGNAL_CONTINUE };
enum signal_action signal_default_action(uint64_t signal);
// What it does to this one.
enum signal_action program_signal_action(const struct program *program, uint64_t signal);
// What comes before a program is started waits until its maker has said what it ignores.
void program_signal_early(struct program *program, uint64_t signal);
// The first of them that ends it, 0: none. For the moment of the start.
uint64_t program_early_end(const struct program *program);

enum {
    SIGNAL_HANG_UP = 1,
    SIGNAL_INTERRUPT = 2,
    SIGNAL_QUIT = 3,
    SIGNAL_ILLEGAL = 4,
    SIGNAL_TRAP = 5,
    SIGNAL_BUS = 7,
    SIGNAL_FLOATING_POINT = 8,
    SIGNAL_KILL = 9,
    SIGNAL_SEGMENT = 11,
    SIGNAL_CHILD = 17,
    SIGNAL_CONTINUE_NUMBER = 18,
    SIGNAL_STOP_NUMBER = 19,
    SIGNAL_TERMINAL_STOP = 20,
    SIGNAL_TERMINAL_INPUT = 21,
    SIGNAL_TERMINAL_OUTPUT = 22,
    SIGNAL_URGENT = 23,
    SIGNAL_WINDOW = 28,
    SIGNAL_LAST = 64,
};
