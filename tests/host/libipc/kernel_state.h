// The simulated kernel's objects; for kernel.c and system_call.c alone.
#pragma once

#include <stddef.h>
#include <ucontext.h>

#include "libipc/client/call.h"
#include "libipc/client/slot.h"
#include "libipc/server/loop.h"
#include "tests/host/libipc/kernel.h"

enum { SIM_STACK_BYTES = 256 * 1024, SIM_SLOTS = 512, SIM_COPY_STEP = 1024 };

struct sim_cap {
    enum capability_kind kind;
    void *object;
};

struct sim_request {
    enum { SIM_IDLE, SIM_QUEUED, SIM_SERVED, SIM_ASIDE, SIM_ANSWERED } state;
    struct sim_thread *thread; // that waits for the answer; NULL: a call object's
    struct sim_call *call;
    struct sim_process *process; // of the sender
    struct sim_session *session;
    struct sim_thread *server;       // SERVED
    struct sim_process *slot_holder; // ASIDE
    cap_t slot;
    uint64_t tag, words[MESSAGE_WORDS], serial, count;
    cap_t send_caps[MESSAGE_CAPS];
    struct lend lend_read, lend_write;
    bool cancelling, cancel_shown;
    struct sim_request *next;
};

struct sim_session {
    struct sim_endpoint *endpoint;
    uint64_t badge;
    uint32_t caps, holds;
    bool gone, shown;
    struct sim_session *next_gone;
};

struct sim_notification {
    uint64_t bits;
    struct sim_endpoint *endpoint;
};

struct sim_endpoint {
    struct sim_request *first; // queued requests and answers
    struct sim_request *cancelled;
    struct sim_session *gone;
    struct sim_notification *notification;
    struct sim_thread *receiver;
};

struct sim_call {
    struct sim_endpoint *endpoint;
    uint64_t cookie, serial, count;
    cap_t receive_slots[MESSAGE_CAPS], received[MESSAGE_CAPS];
    error_t error;
    struct sim_request request;
};

struct sim_memory {
    void *bytes;
    uint64_t length;
};

struct sim_process {
    struct sim_cap table[SIM_SLOTS];
    cap_t next_slot;
    uint32_t calls_left;
    void (*again)(struct sim_process *process);
};

// libipc's variables, which every real process has its own copy of.
struct sim_globals {
    struct message_page *page;
    ipc_exchange_function *exchange;
    uint64_t deadline;
    struct loop loop;
};

struct sim_thread {
    enum { SIM_READY, SIM_WAITING, SIM_CALLING, SIM_ENDED } state;
    struct sim_process *process;
    void (*body)(void *argument);
    void *argument;
    ucontext_t context;
    struct sim_globals globals;
    struct message_page page;
    struct ipc_registers *registers; // of the system call in progress
    error_t result;
    uint64_t deadline, serial, calls;
    struct sim_request request;
    struct sim_request *serving;
    struct sim_thread *next;
};

struct sim_block {
    struct sim_block *next;
} __attribute__((aligned(KEPT_HOT_ALIGNMENT))); // as what follows it may be

struct sim {
    uint64_t seed, random, now, next_serial;
    struct sim_thread *threads, *running;
    struct sim_process *doomed;
    ucontext_t scheduler;
    struct sim_block *blocks;
    bool has_cancelled; // any request
    uint32_t page_misses;
};
extern struct sim sim;

void *sim_allocate(size_t size);
void *sim_allocate_stack(size_t size); // holds anything: most of a stack is never touched
void sim_switch_out(void);
void sim_request_finish(struct sim_request *request, error_t error);
void sim_request_cancel(struct sim_request *request);
struct sim_session *sim_session_create(struct sim_endpoint *endpoint, uint64_t badge);
