// A stage for single calls: one process whose capability table holds every kind of object in every state that
// it can have, and a thread of it that runs and serves a request. Built anew for each call that changed
// something.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct account;
struct process;
struct thread;

// The slot of a subject is its number. Those before STAGE_FIRST are the fixed slots, with every right.
enum subject {
    STAGE_NULL = 0,
    STAGE_SELF = 1,
    STAGE_SELF_THREAD = 2,
    STAGE_ROOT_ACCOUNT = 3,
    STAGE_KERNEL = 4,
    STAGE_FIRST = 10,
    STAGE_PROCESS = STAGE_FIRST, // with a thread that waits, one that faulted and one that is held
    STAGE_PROCESS_DESTROYED,
    STAGE_PROCESS_RESETTING, // half taken apart
    STAGE_PROCESS_EXITED,    // its keeper has not been told yet
    STAGE_THREAD_HELD,
    STAGE_THREAD_WAITING,
    STAGE_THREAD_CALLING,
    STAGE_THREAD_FAULTED,
    STAGE_THREAD_ENDED,
    STAGE_ENDPOINT_QUEUED,  // requests wait in it
    STAGE_ENDPOINT_AWAITED, // a thread waits at it
    STAGE_ENDPOINT_EMPTY,   // a session of it is gone
    STAGE_ENDPOINT_KEEPER,  // an exit and an exception wait in it
    STAGE_SESSION,          // of the one with a queue
    STAGE_SESSION_AWAITED,
    STAGE_SESSION_DEAD, // its endpoint is gone
    STAGE_REPLY_THREAD, // with both buffers lent
    STAGE_REPLY_CALL,
    STAGE_REPLY_FAULT,
    STAGE_REPLY_PAGE,
    STAGE_CALL_IDLE,
    STAGE_CALL_QUEUED,
    STAGE_CALL_TAKEN,
    STAGE_CALL_ANSWERED,
    STAGE_NOTIFICATION_CLEAR, // a thread waits at it
    STAGE_NOTIFICATION_SET,
    STAGE_NOTIFICATION_BOUND,
    STAGE_MEMORY, // mapped at 0x200000
    STAGE_MEMORY_LARGE,
    STAGE_MEMORY_CLONE,
    STAGE_MEMORY_PAGED,
    STAGE_MEMORY_PHYSICAL,
    STAGE_MEMORY_CONTIGUOUS,
    STAGE_IRQ_CONTROL,
    STAGE_IRQ_LINE, // bound and pending
    STAGE_IRQ_MESSAGE,
    STAGE_IOPORT,
    STAGE_ACCOUNT,
    STAGE_ACCOUNT_FULL,
    STAGE_KERNEL_AGAIN,
    STAGE_STALE, // was in use
    STAGE_LAST = STAGE_STALE,
    STAGE_RESULT, // empty, and so are the next ones
    STAGE_CHILD = STAGE_RESULT + 8,
};

struct stage {
    struct account *root;
    struct process *process; // referenced
    struct thread *thread;   // runs; serves a request if `serving`
};

extern struct stage stage;

void stage_build(bool serving);
void stage_end(void);
