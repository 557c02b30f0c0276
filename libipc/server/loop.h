// What the parts of the loop share: the fiber and the loop's state. For libipc/server alone.
#pragma once

#include <stddef.h>

#include "libipc/client/system_call.h"
#include "libipc/kept/log.h"
#include "libipc/server/fiber.h"
#include "libipc/server/request.h"
#include "libipc/server/server.h"
#include "libipc/server/timer.h"

enum { FIBER_MAX = 512, SWEEP_LEAST = 32 };

enum fiber_state {
    FIBER_IDLE,  // in the pool
    FIBER_READY, // in the ready queue
    FIBER_RUNNING,
    FIBER_SENDING,    // its call goes out with the next commit
    FIBER_CALLING,    // waits for the answer to its call object
    FIBER_WAITING,    // in a queue, or only for its timer
    FIBER_COMMITTING, // runs on at once, behind a commit
    FIBER_FINISHED,   // its function or handler has returned
    FIBER_DROPPED,    // its request waits for the next actor (handover.c)
};

// Its memory, with its stack below it, is noted as a whole when it goes on for the first time after a commit. Of one that is idle
// only the first line counts (FIBER_IDLE_BYTES): the rest means nothing, and the next actor sets it anew (fiber_forget).
struct fiber {
    struct fiber *next;   // in the pool, the ready queue or a wait queue
    uint64_t answered;    // count of the last answer to its call object
    cap_t reply_slot;     // empty while the request is served
    cap_t call;           // call object
    uint8_t state;        // enum fiber_state
    bool serves;          // it has a request
    bool aside;           // which lies in reply_slot, not in the kernel's "being served"
    bool cancellable;     // its wait ends when its request is cancelled
    bool wants_exclusive; // of the lock that it waits for
    bool timed_out;       // its call ran out of time and was cancelled
    bool is_held;         // in loop.held: has not begun
    bool is_dropped;      // its wait was ended for a handover, not by its caller

    uint64_t cookie;   // of the call object
    void *stack_low;   // these two never change
    uint64_t noted_in; // kept_commits() when its memory was noted
    void *noted_end;   // up to here

    void *stack_pointer;
    bool detached;        // its request was lost with the actor before, and has not come again
    uint64_t detached_at; // monotonic time
    error_t result;       // of the wait that ended
    uint64_t deadline;    // what ipc_deadline is while it runs
    struct fiber_wait_queue *queue;
    const struct fiber_lock *lock; // that it waits for
    struct timer timer;
    struct ipc_registers answer;
    void (*function)(void *argument); // background work; NULL: dispatch the request
    void *argument;
    struct request request;
    uint64_t words[MESSAGE_WORDS] __attribute__((aligned(64)));

    // Not noted: while it runs it has nothing to send, as far as is committed.
    struct outgoing { // what its call sends
        struct ipc_registers registers;
        struct lend lend_read, lend_write;
        cap_t send_caps[MESSAGE_CAPS], receive_slots[MESSAGE_CAPS];
        uint16_t send_rights[MESSAGE_CAPS];
        uint64_t words[MESSAGE_WORDS];
    } outgoing __attribute__((aligned(64)));
} __attribute__((aligned(64)));

enum { FIBER_IDLE_BYTES = 32 };
_Static_assert(offsetof(struct fiber, cookie) == FIBER_IDLE_BYTES, "one line");

// What must not happen before the state that it follows from is committed. Each may be done again.
enum output_kind {
    OUTPUT_REPLY,
    OUTPUT_RELEASE,
    OUTPUT_GIVE_BACK,
    OUTPUT_ACKNOWLEDGE,
    OUTPUT_UNMAP,
    OUTPUT_RINGS,
    OUTPUT_END,
    OUTPUT_START
};

struct output {
    enum output_kind kind;
    uint64_t a, b;
    void *object;
    void *object2;
};

// An answer that may not have reached its caller: it is given again if the request comes again. Not noted: it means nothing
// unless its bit is in `results_used`.
struct result {
    uint64_t thread, count; // the request's number
    cap_t slot;             // of its reply capability; 0: lost with the actor before
    error_t status;
    bool sent;
    struct reply reply; // its words are `words`
    uint64_t words[MESSAGE_WORDS];
    struct inline_buffer carried; // what travels in it
};

enum { OUTPUTS_MAX = 256, RESULTS_MAX = 32 }; // the first a power of two, the second the bits of a word

// What happened since the last commit.
enum loop_since {
    SINCE_OBSERVED, // requests were answered that changed nothing: the next actor can do without them
    SINCE_TAKEN,    // others came, without capabilities, and are not answered: their callers send them again. Or sessions were
                    // closed: the kernel shows them again
    SINCE_MORE      // anything
};

struct loop {
    // Not noted: the next actor sets these anew.
    void *stack_pointer; // of the loop, while a fiber runs
    struct fiber *running;
    struct fiber *served;   // whose request the kernel considers served
    struct fiber *finished; // == served: its answer goes out with the next wait

    // Not noted either. What was there at the last commit is not written over before the next one.
    uint32_t output_floor;        // `output_first` at that time, or before
    uint32_t results_resting;     // freed since
    uint32_t put_aside, sweep_at; // requests put aside since the last sweep, and with how many the next is due
    uint32_t since;               // enum loop_since
    bool output_is_due;           // one that does not wait for a commit, but asks for it
    uint32_t answered;            // == answers: all of them were sent
    uint64_t commit_by;           // the others do not wait for longer; 0: not set
    uint64_t time;                // monotonic, behind the last message; 0: not known

    struct { // noted by each commit as a whole (kept_hot): stores to it need no notes
        struct fiber_wait_queue ready;
        struct fiber_wait_queue sending;   // fibers, FIBER_SENDING
        struct fiber *pool;                // as far as memory is kept: idle at the last commit, or noted since
        cap_t receive_slots[MESSAGE_CAPS]; // as in the message page, which an actor takes with it
        struct timer *timers;              // sorted by time
        uint32_t answers;                  // commits that an answer follows, of the first fiber in the pool
        cap_t moved_slot;                  // that a capability moved out of; free with the next commit. 0: none
        uint64_t closed;                   // badge of a session, to be acknowledged with the next commit. 0: none
        uint32_t output_first, output_end; // numbers of the outputs that wait; each lies at its number modulo OUTPUTS_MAX
        uint32_t results_used;             // a bit of each
        cap_t spare_slot;                  // empty, for the next who needs one; 0: none
    } __attribute__((aligned(KEPT_HOT_ALIGNMENT)));

    uint32_t fiber_count;
    struct fiber *resting; // these go to the pool with the next commit
    struct deferred *deferred;
    struct server *server;
    uint64_t cookie_base; // so that answers to an earlier actor's calls are told apart
    struct fiber *fibers[FIBER_MAX];
    struct output outputs[OUTPUTS_MAX];
    struct result results[RESULTS_MAX];
    cap_t orphans[MESSAGE_CAPS]; // capabilities that came with a request whose window was taken back
    bool running_once;           // server_run has been reached
    bool recovering;             // requests lost with the actor before may come again
    uint64_t recover_until;
    struct fiber_wait_queue attached; // fibers that need their request again
    struct timer recover_timer;

    // While the role goes to another build (handover.c).
    bool holding;                 // requests that come are put into `held`
    bool asked;                   // to hand over: what can be done before is under way, while all are served
    bool draining;                // when the others are done
    bool preparing;               // that has begun
    bool giving;                  // the fiber that writes the records has begun
    bool handed_over;             // and has ended, with:
    bool taking;                  // the records of the actor before are being read
    uint64_t handover_status;     // to exit with
    struct fiber_wait_queue held; // fibers with requests that have not begun
} __attribute__((aligned(KEPT_HOT_ALIGNMENT)));
_Static_assert(offsetof(struct loop, fiber_count) - offsetof(struct loop, ready) == KEPT_HOT_ALIGNMENT &&
                   offsetof(struct loop, spare_slot) < offsetof(struct loop, ready) + KEPT_HOT_LINES * KEPT_LINE_BYTES,
               "noted as a whole");

extern struct loop loop;
extern struct server_messages server_messages;
extern struct server_point server_point;
extern struct server_refuses server_refuses;

// Into server_messages; for functions whose stores are not noted (KEPT_UNNOTED).
#define MESSAGE_NOTE(...) (server_messages.last[server_messages.next++ % SERVER_MESSAGES] = (struct server_message){__VA_ARGS__})

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
// To the pool, with the next commit or at once.
void fiber_recycle(struct fiber *fiber);
// To the pool with the commit that comes now, behind which its answer goes out: so nothing of it is noted for that again.
void fiber_retire(struct fiber *fiber);
// Those that rest go to the pool. Right before a commit.
void fiber_refill_pool(void);
// Notes the fiber's memory and stack as a whole, once between two commits. It is about to run.
void fiber_note(struct fiber *fiber);
// Notes what is changed of a fiber that is woken, in front of `answer`: all of it, since it runs soon, unless it is one of many.
void fiber_note_woken(struct fiber *fiber);
// Makes one that is idle what it was when it became so.
void fiber_forget(struct fiber *fiber);

// Runs a fiber until it waits or ends. In the loop's context.
void fiber_resume(struct fiber *fiber);

// From a fiber: back to the loop, in state `state`.
void fiber_leave(enum fiber_state state);

// Whether `fiber`, if it waits for this lock, waits for itself in the end. Shared owners are not known.
bool fiber_lock_closes_circle(const struct fiber_lock *lock, const struct fiber *fiber);

// At the end of a queue, and the first of one; for the loop's own queues.
void fiber_queue(struct fiber_wait_queue *queue, struct fiber *fiber);
struct fiber *fiber_unqueue(struct fiber_wait_queue *queue);
// Sends the call of a FIBER_SENDING fiber.
void fiber_send(struct fiber *fiber);

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
// Its caller gives it up, or has ended.
void fiber_give_up(struct fiber *fiber);

// Puts the answer of a finished fiber into registers and page.
void loop_load_reply(struct fiber *fiber, struct ipc_registers *registers);
// Makes `fiber`'s request (NULL: none) the one being served.
void loop_serve(struct fiber *fiber);
// Sends the answer of loop.finished by itself.
void loop_answer_now(void);
// It was sent, and the fiber is free.
void loop_answer_sent(void);
// Puts a kept answer into registers and page.
void loop_load_result(const struct result *result, struct ipc_registers *registers);
// Forgets what was sent with a reply: slots that capabilities moved out of.
void loop_reply_sent(const struct reply *reply);
// In the loop's context: commits, then does what waited for it. What that changes here comes with the next commit.
void loop_commit(void);
// The request that is served was put aside. Not noted.
void loop_aside(void);
// The session is closed as far as the server is concerned.
void loop_acknowledge(uint64_t badge);
// False: no room, or nothing is kept: do it now.
bool loop_output(enum output_kind kind, uint64_t a, uint64_t b, void *object, void *object2);
// An answer to be sent with the next commit, in the place of request_answer. False: send it now.
bool loop_answer_later(const struct deferred *deferred, error_t status, const struct reply *reply);
// A request has come: true if it is one that the actor before had taken, and is seen to.
bool loop_attach(const struct ipc_registers *registers);
// Keeps the result of a fiber that has ended, to be given when its request comes again.
void loop_keep_result(const struct fiber *fiber);
// The actor before was told of a point; this one knows of none.
void loop_forget_point(void);
// Has a fiber, which was made for a request, treat it as the point says.
void loop_mistreat(struct fiber *fiber);
// Waits until the request of the fiber that runs is there again. ERR_NO_REQUEST: it does not come any more.
MUST_USE error_t fiber_attach(struct request *request);
// Crash points: ends the actor if this event is the one that was asked for.
void loop_point_reached(uint32_t event);
// What the message page says of receive slots, as an actor after this one will need it. Before each commit. They are hot.
KEPT_UNNOTED static inline void loop_note_receive_slots(void) {
    __builtin_memcpy(loop.receive_slots, ipc_page->receive_slots, sizeof(loop.receive_slots));
}

static inline __attribute__((always_inline)) void loop_point(uint32_t event) {
    if (__builtin_expect(server_point.event != POINT_NONE, 0))
        loop_point_reached(event);
}
// Handover: once before each wait while `asked`; when this actor goes on after all; before the first request of an actor that
// takes.
void handover_step(void);
void handover_forget(void);
void handover_release_held(void);
MUST_USE error_t handover_begin(void);
void loop_close_session(void *argument);
// Serves from the next event on; the body of server_run.
MUST_USE error_t loop_run(void);
bool loop_slot_release(cap_t slot);
bool loop_slot_give_back(cap_t slot);
// One event, whatever it is.
void loop_deliver(const struct ipc_registers *registers);

// Drops what the receive slots brought with the message `tag`.
void loop_drop_caps(uint64_t tag);
