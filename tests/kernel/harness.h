// What the kernel tests share: checks that become TAP lines, groups that must leave free memory as it was, and actors:
// helper threads in this process or in a clone of it. The main thread runs at priority 60 and mostly plays the server; an
// actor above it runs as soon as it can, until it blocks, so that every test goes the same way each time.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "kernel/abi/methods.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/call.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/notification.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"

enum { PAGE = 4096, MAIN_PRIORITY = 60, ACTOR_PRIORITY = 61, TEST_METHOD = 0x7001, LOCAL_SLOT = 1500 };
#define MILLISECOND UINT64_C(1000000)

// One TAP line. Detail is printed on failure only.
void check(bool ok, const char *name);
void check_value(uint64_t actual, uint64_t expected, const char *name);
void check_error(error_t actual, error_t expected, const char *name);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
// For what a test needs to go on: a failure is reported and ends the run.
void must(error_t error, const char *what);

// Runs the group twice (the first run warms tables and page tables up): the second must leave free memory as it was.
void group(const char *name, void (*run)(void));
// Bytes free now, after the kernel has taken apart what is no longer needed.
uint64_t free_bytes(void);

struct actor {
    void (*run)(struct actor *actor);
    struct message_page *page; // in its own space
    cap_t thread;              // in the main process's table
    cap_t process;             // 0: a thread of this process
    void *stack;
    int32_t number; // of the system call that actor_call makes
    error_t result; // and what it gave
    struct ipc_registers registers;
    uint64_t arguments[6];
    volatile uint64_t values[8]; // what it found out
    volatile bool done;
};

// A stopped thread of this process. flags: 1 for FPU.
struct actor *actor_new(void (*run)(struct actor *), uint64_t priority, uint64_t flags);
// The same in a process of its own, whose memory is a copy of this one's (struct actors and shared memory apart). Its table
// holds itself in SLOT_SELF, and what the caller installs. account: who pays.
struct actor *actor_new_process(void (*run)(struct actor *), uint64_t priority, cap_t account);
// A system call as the actor's work: fill `registers` and `number` first.
struct actor *caller_new(int32_t number, cap_t target, uint64_t tag);
void actor_call(struct actor *actor);
void actor_go(struct actor *actor);
// Ends the thread (and process) if it has not ended, and gives back all that it took.
void actor_free(struct actor *actor);
uint32_t actor_state(const struct actor *actor); // enum thread_state
// Sleeps until the actor, of lower priority, is in this state, at most a second.
void actor_await(const struct actor *actor, uint32_t state);

// Main thread: system calls with everything else 0.
error_t receive(cap_t endpoint, struct ipc_registers *registers);                   // waits, no deadline
error_t receive_poll(cap_t endpoint, struct ipc_registers *registers);              // ERR_DEADLINE if nothing is there
error_t receive_aside(cap_t endpoint, cap_t slot, struct ipc_registers *registers); // puts the served one aside, polls
error_t answer(cap_t slot, int32_t status, uint64_t word0);                         // SYS_REPLY
error_t serve(cap_t aside, cap_t next);                                             // SYS_SERVE
error_t copy_from(cap_t slot, uint64_t offset, void *to, uint64_t length, uint64_t *moved);
error_t copy_to(cap_t slot, uint64_t offset, const void *from, uint64_t length, uint64_t *moved);
error_t sleep_until(uint64_t time);
void sleep_for(uint64_t nanoseconds);

cap_t new_endpoint(void);
cap_t new_session(cap_t endpoint, uint64_t badge);
cap_t new_notification(void);
cap_t new_memory(uint64_t length);
void *map_memory(cap_t memory, uint64_t length, uint64_t flags);
void unmap(volatile void *address, uint64_t length);
// Ends an endpoint's closed sessions, then drops it.
void drop_endpoint(cap_t endpoint);
cap_t take_slot(void);

// Shared by this process and its clones.
extern struct shared {
    struct actor actors[16];
    volatile uint64_t words[64];
} * shared;

extern void actor_entry(void); // start.asm
void registers_probe(uint64_t found[6], uint32_t number);
void signal_probe(cap_t notification, uint64_t found[12]);
extern void flags_probe(void), foreign_entry(void);
extern const uint8_t code_return[], code_return_end[];
void actor_main(struct actor *); // its C part

// Each file of tests.
void test_capabilities(void);
void test_accounts(void);
void test_memory(void);
void test_messages(void);
void test_lending(void);
void test_requests(void);
void test_sessions(void);
void test_processes(void);
void test_threads(void);
void test_faults(void);
void test_devices(void);
void test_kernel(void);
void test_hostile(void);
void test_paths(void);
void test_trace(void);
