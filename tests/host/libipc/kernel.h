// A small simulated kernel: processes with capability tables, coroutines as threads, endpoints, sessions,
// replies, call objects and notifications, with the meaning that kernel/abi gives them. Which thread runs
// next is drawn from a seed, so that one number repeats one order of events. Time stands still until
// everybody waits.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/capability.h"
#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

// Starts over: no processes, time 0.
void sim_reset(uint64_t seed);

// A number below `limit` from the seed.
uint32_t sim_random(uint32_t limit);

struct sim_process;
struct sim_process *sim_process_create(void);

// A thread of the process; its message page is ipc_page while it runs. It ends when `body` returns.
void sim_thread_start(struct sim_process *process, void (*body)(void *argument), void *argument);

// Fills a slot of a process directly, as init would.
cap_t sim_endpoint(struct sim_process *process);
cap_t sim_notification(struct sim_process *process);
cap_t sim_memory(struct sim_process *process, void *bytes, uint64_t length);
cap_t sim_session(struct sim_process *to, struct sim_process *server, cap_t endpoint, uint64_t badge);
cap_t sim_share(struct sim_process *to, struct sim_process *from, cap_t slot);

// Runs until no thread can run and no deadline is left. Returns the number of threads that have not ended.
uint32_t sim_run(void);

// Ends the threads of a process; its table stays. What they took and did not answer ends in ERR_SERVER_LOST.
void sim_kill(struct sim_process *process);

// After how many more system calls of this process sim_kill happens and `again` is called; 0: never.
void sim_kill_later(struct sim_process *process, uint32_t calls, void (*again)(struct sim_process *process));

// The next `count` copies stop with ERR_PAGE_MISSING.
void sim_miss_pages(uint32_t count);

// Nanoseconds of the simulated clock, which is also clock_monotonic().
uint64_t sim_now(void);

// What is in a slot: its kind, CAP_NONE for nothing. And how many slots of the process are filled.
enum capability_kind sim_kind(struct sim_process *process, cap_t slot);
uint32_t sim_filled(struct sim_process *process);
// The bytes behind a memory capability of the running process.
void *sim_memory_bytes(cap_t slot);

// Fails the test with a message and the seed.
#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition))                                                                                                        \
            sim_fail(__FILE__, __LINE__, #condition);                                                                            \
    } while (0)
_Noreturn void sim_fail(const char *file, int line, const char *what);
