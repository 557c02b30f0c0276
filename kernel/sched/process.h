// A process: an address space, a capability table and an account. A role keeps the table and the account when it gets a
// new space and new threads (process_reset). Invariant: `aside` and its threads hold every request that it took and did not
// answer.
#pragma once

#include "kernel/cap/capability.h"
#include "kernel/ipc/request.h"
#include "kernel/memory/space.h"

struct session;
struct thread;

enum { PROCESS_PORT_RANGES = 8 };

struct process {
    struct object object;
    struct space space;
    struct capability_table table;
    struct list threads;    // struct thread.process_link
    struct list aside;      // struct request.link
    struct list link;       // all processes, oldest first
    struct session *keeper; // held, or NULL
    uint64_t serial;
    uint64_t foreign; // where foreign system calls go; 0: nowhere
    uint64_t cpu_time;
    uint32_t thread_count;
    uint32_t own_capabilities; // to itself, in its own table: they keep nobody's interest in it
    bool exited, exit_untold;
    struct request exit_event;
    uint64_t exit_words[6];
    uint32_t port_ranges;
    struct {
        uint16_t first, last;
    } ports[PROCESS_PORT_RANGES];
};

error_t process_create(struct account *account, struct process **out) MUST_USE;
// Ends some of its threads and answers some of what was taken with ERR_SERVER_LOST. True when none is left.
bool process_end_threads(struct process *process);
// Ends the actor and leaves its memory to the next one. True when done, false: call again.
bool process_pause_step(struct process *process);
// Ends threads, frees and renews the space. True when done, false: call again.
bool process_reset_step(struct process *process, error_t *error);
void process_destroy(struct process *process);
void process_exit(struct process *process, uint64_t status);
// The keeper received the exit event, or (false) there is no keeper any more: then the process is destroyed.
void process_exit_told(struct process *process, bool received);
// Its capability table has more slots.
void process_table_grown(struct process *process);
// A slot of its own table names the process now (1), or no longer does (-1).
void process_count_own(struct process *process, int32_t change);
void process_set_keeper(struct process *process, struct session *keeper);
// If nothing outside can name it any more, nothing runs in it and nobody is yet to be told: it is over.
void process_check_reachable(struct process *process);
struct process *process_next(uint64_t serial);
uint64_t process_count(void);
