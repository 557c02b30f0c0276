// A server's loop: one thread, one endpoint, one notification bound to it. Each request is dispatched on a
// fiber; one that finishes without waiting is answered by the same kernel entry that fetches the next.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/server/fiber.h"
#include "libipc/server/request.h"

enum { SERVER_BITS = 64, SERVER_STACK_BYTES = 16 * 1024, SERVER_FIBERS = 4 };

struct server {
    // Filled in by the server before server_run; everything may be 0 but endpoint and dispatch.
    cap_t endpoint;                               // with the receive right, and minting for session_create
    cap_t notification;                           // bound to the endpoint by server_run; 0: none
    cap_t account;                                // pays for fibers' stacks and call objects; 0: SLOT_ACCOUNT
    uint64_t stack_bytes;                         // of a fiber; 0: SERVER_STACK_BYTES
    uint32_t fiber_limit;                         // most fibers at once; 0: as many as memory allows, up to FIBER_MAX
    uint32_t fibers;                              // made by server_run, every page of their stacks there; 0: SERVER_FIBERS
    error_t (*dispatch)(struct request *request); // usually NAME_dispatch, chosen by request_protocol
    void (*session_closed)(uint64_t badge);       // no capability to it is left; runs on a fiber; then acknowledged
    error_t (*event)(struct request *request);    // a keeper's or pager's events (kernel/abi/message.h)
    error_t (*stack_create)(uint64_t bytes,
                            void **low); // memory with a guard page below; NULL: server_stack_create

    void (*resumed)(void); // a new actor goes on with the memory of the one before: what it held of a device
                           // may be anywhere. In the loop's own context

    struct {
        void (*handler)(void *argument, uint32_t bit);
        void *argument;
    } bits[SERVER_BITS]; // see server_on_bit
    bool stopping;
    bool takes_over; // see handover.h
};

// Calls `handler` from the loop's own context (it must not wait; it wakes or starts fibers) when `bit` of the
// server's notification is set. A new actor finds all bits set: a wake-up is a hint, the truth is elsewhere.
void server_on_bit(struct server *server, uint32_t bit, void (*handler)(void *argument, uint32_t bit), void *argument);

struct startup;
// Goes on where an actor before ended, in its memory; see libipc/server/resume.c. ERR_CORRUPT: that memory is
// not whole.
MUST_USE error_t server_resume(const struct startup *startup);

// Serves until server_stop. Returns why it ended: ERR_OK, or what the kernel said to waiting at the endpoint.
MUST_USE error_t server_run(struct server *server);

// Whether another fiber's handler is at work for this session.
bool server_serves(uint64_t badge);

// A ring pair whose new positions are shown to the other side, with a signal if it sleeps, when what led to
// them is committed. As ring_pair_flush; for servers and drivers.
struct ring_pair;
struct ring;
void server_flush_rings(struct ring_pair *pair, struct ring *pushed, struct ring *popped);

// Unmaps memory when it is committed that nobody needs it.
MUST_USE error_t server_unmap(void *address, uint64_t bytes);

// Ends a process, or lets a thread run, when the state that says so is committed. ERR_OK, or why it can't be
// done now.
MUST_USE error_t server_end_process(cap_t process);
MUST_USE error_t server_start_thread(cap_t thread);

// Crash points (tests/fault): the actor ends at the `left`-th event of this kind from when init wrote it
// here.
// POINT_HANDOVER is none: the actor is to hand over (handover.h).
enum server_event {
    POINT_NONE,
    POINT_RECEIVE,
    POINT_REPLY,
    POINT_COMMIT,
    POINT_OUTPUT,
    POINT_STORE,
    POINT_HANDOVER,
    POINT_SPIN,
    POINT_STALL,
    POINT_LOSE,
    POINT_SLEEP,
    POINT_LIE
};
// Each in lines of its own (libipc/kept/undo.h), since init writes it.
struct server_point {
    uint64_t event, left;
} __attribute__((aligned(64)));
// For those that keep nothing: before each step that the other side of a ring sees, and behind the last.
void server_point_output(void);

// A request that is answered with ERR_REFUSED: two actors failed by themselves while they served it. Written by init.
struct server_refuses {
    uint64_t thread, count; // its number; 0: none. SERVER_MISTREATS and an event: the next request that comes
} __attribute__((aligned(64)));
#define SERVER_MISTREATS UINT64_MAX

// The last messages of this actor or one before, for init's report of its end. Not noted: a rollback leaves it.
enum { SERVER_MESSAGES = 16 };
enum message_kind { MESSAGE_TAKEN, MESSAGE_ANSWERED, MESSAGE_CALLED, MESSAGE_GOT };
struct server_message {
    uint32_t thread; // number of the request; of a call: the fiber's index
    uint16_t code;   // method, or status of an answer
    uint16_t kind;   // enum message_kind
    uint64_t count;
};
struct server_messages {
    uint64_t next; // number of the next one
    struct server_message last[SERVER_MESSAGES] __attribute__((aligned(64)));
} __attribute__((aligned(64)));

// Interrupts of a driver's lines, and those for which its device had no reason. If there are only such, again and again, init
// replaces the driver. Not kept; defined by drivers/framework.
struct server_interrupts {
    uint64_t taken, useless;
} __attribute__((aligned(64)));

// What a server took through rings, and what of it is done. If neither changes while something is left, init replaces the server.
// Not kept; defined by those that have it.
struct server_work {
    uint64_t taken, done;
} __attribute__((aligned(64)));

// The other side of it, `server_asks`: what a server asked for through rings, and what of it is answered. If a request waits
// in it again while an answer is due, init blames the drivers. Kept; defined by those that have it.

// Ends server_run after the requests that are ready now; those that wait are abandoned.
void server_stop(struct server *server);

// A session with this badge, as a capability to hand out (`moves`): charged to the caller of the request
// being served.
MUST_USE error_t server_create_session(struct server *server, uint64_t badge, cap_t *session);

// The default for stack_create: anonymous memory of the server's account.
MUST_USE error_t server_stack_create(uint64_t bytes, void **low);
