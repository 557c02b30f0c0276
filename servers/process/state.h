// What the parts of the server `process` share: the table of programs, the queues of those who wait, the
// steps of a program's life. One thread; fibers switch only inside task.wait.
#pragma once

#include "libipc/server/server.h"
#include "servers/process/table.h"

enum { PROGRAM_PRIORITY = 20 }; // of every program's threads; servers lie above

// Badges of sessions: the kind, the entry's index, the id. Those of the manifest have the top bit set.
enum badge_kind { BADGE_PROGRAM = 1, BADGE_KEEPER = 2 };
#define BADGE_SERVICE (UINT64_C(1) << 63)

struct process_server {
    struct server server;
    struct program_table *table;
    struct fiber_wait_queue waiters[PROGRAMS_MAX]; // in task.wait, by the waiting program's index
    struct fiber_wait_queue service_waiters;       // services in task.wait
};

extern struct process_server process_server;
extern const struct task_ops task_server_ops;

uint64_t badge_make(enum badge_kind kind, const struct program *program);
// The program of a badge of this kind; NULL if it has gone, or the badge is of another kind.
struct program *badge_program(enum badge_kind kind, uint64_t badge);

// life.c

// A new, empty process with what every program finds at its start, and capabilities for its maker to take.
MUST_USE error_t program_create(const struct caller *caller, struct program **program, cap_t *process, cap_t *account,
                                cap_t *session);
MUST_USE error_t program_start_thread(struct program *program, uint64_t entry, uint64_t stack, uint64_t argument,
                                      uint64_t message_page);
// Frees everything but the entry, which stays until it is waited for if somebody can. kind: enum exit_kind.
void program_end(struct program *program, uint32_t kind, uint32_t code);
// Takes back one that was never started.
void program_discard(struct program *program);
// Brings the figures of a living one up to date, for program_describe.
void program_measure(struct program *program, struct task_information *information);
void program_signal(struct program *program, uint64_t signal);
// Those of the group, of `session` if that is not 0, whom `caller` (NULL: anybody) may signal.
// ERR_NO_PROCESS: no members.
MUST_USE error_t program_signal_group(const struct caller *caller, uint64_t group, uint64_t signal);

// fault.c

// EVENT_FAULT and EVENT_EXIT of programs.
error_t program_event(struct request *request);
