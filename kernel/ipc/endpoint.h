// An endpoint: requests that wait for a server, or threads that wait for requests, never both. It has no owner process; whoever
// holds a capability with the receive right serves it. A session: an endpoint plus the badge that its server knows the caller by.
// Invariant: a session is in its endpoint's `gone` list exactly if no capability is left and nothing holds it, until the server
// acknowledges that.
#pragma once

#include "kernel/cap/object.h"
#include "kernel/ipc/request.h"

struct notification;
struct thread;

struct endpoint {
    struct object object;
    struct list queue;                 // struct request.link, QUEUED or ANSWERED
    struct thread *receiver;           // one that waits, for the fast path; the others:
    struct list receivers;             // struct thread.queue_link
    struct thread *server;             // the last that came to wait here: it runs for whoever is first in the queue; or NULL
    struct list cancelled;             // struct request.cancel_link
    struct list sessions;              // struct session.link
    struct list gone;                  // struct session.gone_link: those shown first
    struct notification *notification; // bound, referenced
    uint64_t session_serial;
    uint32_t session_count, reserved;
    uint32_t queued; // requests and answers in the queue
    uint32_t events; // signals, cancellations and sessions gone that are yet to be shown
};

error_t endpoint_create(struct account *account, struct endpoint **out) MUST_USE;
// What a thread that waits here gets now: ERR_OK with its registers filled, or ERR_AGAIN.
error_t endpoint_receive(struct endpoint *endpoint, struct thread *thread) MUST_USE;
// The thread waits here from now on; and no longer, wherever it waited.
void endpoint_add_receiver(struct endpoint *endpoint, struct thread *thread);
void endpoint_remove_receiver(struct thread *thread);
// Who is first in the queue has changed, perhaps.
void endpoint_press(struct endpoint *endpoint);
// The thread that receives next, or NULL.
struct thread *endpoint_first_receiver(const struct endpoint *endpoint);
// Something can be received: hands it to a waiting thread, if any.
void endpoint_wake(struct endpoint *endpoint);
// A new actor: sessions that were shown as gone are shown again.
void endpoint_show_again(struct endpoint *endpoint);

// Every capability to a session starts with these; the fast path asks for exactly them.
enum { SESSION_RIGHTS = RIGHT_COPY | RIGHT_INHERIT | RIGHT_CALL | RIGHT_REVOKE };

struct session {
    struct object object;
    struct endpoint *endpoint; // referenced
    uint64_t badge;
    uint64_t serial;       // order of creation, for enumeration
    struct list link;      // endpoint->sessions
    struct list gone_link; // endpoint->gone
    uint32_t holds;        // requests on their way, keepers, pagers
    bool shown;            // the server was told that it is gone
};

error_t session_create(struct endpoint *endpoint, struct account *account, uint64_t badge, struct session **out) MUST_USE;
void session_hold(struct session *session);
void session_unhold(struct session *session);
// The server has seen that the session with this badge is gone. ERR_NOT_FOUND.
error_t session_acknowledge(struct endpoint *endpoint, uint64_t badge) MUST_USE;
