// What the parts of the loop share: the fiber and the loop's state. For libipc/server alone.
#pragma once

#include "libipc/client/system_call.h"
#include "libipc/server/fiber.h"
#include "libipc/server/request.h"
#include "libipc/server/server.h"
#include "libipc/server/timer.h"

enum { FIBER_MAX = 512, SWEEP_LEAST = 32 };

enum fiber_state {
    FIBER_IDLE,  // in the pool
    FIBER_READY, // in the ready queue
    FIBER_RUNNING,
    FIBER_CALLING,  // waits for the answer to its call object
    FIBER_WAITING,  // in a queue, or only for its timer
    FIBER_FINISHED, // its function or handler has returned
};

struct fiber {
    void *stack_pointer;
    struct fiber *next; // in the pool, the ready queue or a wait queue
    enum fiber_state state;
    bool serves;          // it has a request
    bool aside;           // which lies in reply_slot, not in the kernel's "being served"
    bool cancellable;     // its wait ends when its request is cancelled
    bool wants_exclusive; // of the lock that it waits for
    bool timed_out;       // its call ran out of time and was cancelled
    cap_t reply_slot;     // empty while the request is served
    cap_t call;           // call object
    uint64_t cookie;      // of the call object
    uint64_t deadline;    // what ipc_deadline is while it runs
    error_t result;       // of the wait that ended
    struct fiber_wait_queue *queue;
    struct timer timer;
    struct ipc_registers answer;
    void (*function)(void *argument); // background work; NULL: dispatch the request
    void *argument;
    struct request request;
    uint64_t words[MESSAGE_WORDS];
};

struct loop {
    struct server *server;
    void *stack_pointer; // of the loop, while a fiber runs
    struct fiber *running;
    struct fiber *served;   // whose request the kernel considers served
    struct fiber *finished; // == served: its answer goes out with the next wait
    struct fiber_wait_queue ready;
    struct fiber *pool;
    struct fiber *fibers[FIBER_MAX];
    uint32_t fiber_count;
    uint64_t cookie_base; // so that answers to an earlier actor's calls are told apart
    struct deferred *deferred;
    struct timer *timers; // sorted by time
    uint32_t put_aside,
        sweep_at; // requests put aside since the last sweep, and with how many the next is due
};

extern struct loop loop;

void fiber_switch(void **save, void *load);
void fiber_enter(void);
void fiber_body(struct fiber *fiber);

// Sees to it that the pool is not empty. Makes a fiber by kernel calls, which use the message page. False
// without memory.
bool fiber_reserve(void);
// Fills the pool at the start, so that what the server needs in its ordinary work is its own from then on,
// and no coincidence of requests takes more memory later. ERR_NO_MEMORY.
MUST_USE error_t fiber_fill_pool(void);
// A fiber from the pool, without a kernel call; NULL if it is empty.
struct fiber *fiber_take(void);
void fiber_recycle(struct fiber *fiber);

// Runs a fiber until it waits or ends. In the loop's context.
void fiber_resume(struct fiber *fiber);

// From a fiber: back to the loop, in state `state`.
void fiber_leave(enum fiber_state state);

void fiber_make_ready(struct fiber *fiber);
struct fiber *fiber_ready_pop(void);

// Ends a FIBER_WAITING fiber's wait with `result`.
void fiber_wait_end(struct fiber *fiber, error_t result);

// Gives a fiber its call object, if it has none.
MUST_USE error_t fiber_create_call(struct fiber *fiber);

// ipc_exchange of a server.
error_t fiber_exchange(struct ipc_registers *registers, unsigned caps_out);
// The answer to a call object has arrived.
void fiber_answer(const struct ipc_registers *registers);
// The caller of request (thread, count) wants to give it up.
void fiber_cancel(uint64_t thread, uint64_t count);
// Looks for requests whose callers have died, as often as as many were put aside as were left at the last
// look, and gives them up.
void fiber_sweep(void);

// Puts the answer of a finished fiber into registers and page.
void loop_load_reply(struct fiber *fiber, struct ipc_registers *registers);
// Makes `fiber`'s request (NULL: none) the one being served.
void loop_serve(struct fiber *fiber);
// Sends the answer of loop.finished by itself.
void loop_answer_now(void);
// Drops what the receive slots brought with the message `tag`.
void loop_drop_caps(uint64_t tag);
