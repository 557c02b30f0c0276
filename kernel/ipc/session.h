// A session: an endpoint plus the badge that its server knows the caller by. Invariant: it is in its endpoint's `gone`
// list exactly if no capability is left and nothing holds it, until the server acknowledges that.
#pragma once

#include "kernel/cap/object.h"
#include "kernel/ipc/endpoint.h"

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

error_t session_create(struct endpoint *endpoint, struct account *account, uint64_t badge,
                       struct session **out) MUST_USE;
void session_hold(struct session *session);
void session_unhold(struct session *session);
// The server has seen that the session with this badge is gone. ERR_NOT_FOUND.
error_t session_acknowledge(struct endpoint *endpoint, uint64_t badge) MUST_USE;
