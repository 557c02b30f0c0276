// Which frames get work when there are more than can be done. Frames of connections that are open, and whatever somebody waits
// for, always. Calls (SYNs for who listens) as long as most of them complete: each takes a place that its completion gives back,
// and some places come back each second. When none is left, calls are answered by cookies (tcp_cookie.c), without any state,
// straight from the frame: those of peers, who completed a call before, always, so that a flood by a peer's address does not keep
// that peer's own calls out; first calls, whose addresses may be anybody's, so many a second. All other frames, strangers, so
// many a second too. And what can mean nothing to anybody, never. Used by the one who takes frames in (servers/net/arrivals.c),
// before a frame is copied: what is refused costs next to nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/net/stack/address.h"

enum {
    ADMISSION_PEERS = 256,
    ADMISSION_STRANGERS = 256,             // that may come at once
    ADMISSION_STRANGERS_PER_SECOND = 1000, // then
    ADMISSION_CALLS = 256,                 // places
    ADMISSION_CALLS_PER_SECOND = 64,
    ADMISSION_FIRST_CALLS = 256, // that are answered by cookies
    ADMISSION_FIRST_CALLS_PER_SECOND = 4000,
};

struct interface;
struct stack;

enum admission_class {
    ADMISSION_STRANGER,
    ADMISSION_CALL,
    ADMISSION_FIRST_CALL,
    ADMISSION_LIMITED,
    ADMISSION_KNOWN = ADMISSION_LIMITED,
    ADMISSION_NOTHING,
};

struct allowance {
    uint64_t credit;    // frames, or calls
    uint64_t credit_at; // when it was last added to; 0: never taken from
};

struct admission {
    struct address peers[ADMISSION_PEERS]; // completed a handshake; by a hash under the stack's key
    struct allowance allowances[ADMISSION_LIMITED];
};

static inline bool admission_is_call(enum admission_class class) {
    return class == ADMISSION_CALL || class == ADMISSION_FIRST_CALL;
}

// A handshake was completed: the peer's address is its own.
void admission_remember(struct stack *stack, const struct address *peer);
// Where in the table a peer is, if he is.
uint32_t admission_place(const struct stack *stack, const struct address *peer);
bool admission_is_peer(const struct stack *stack, const struct address *peer);
// Reads nothing of `frame` but its headers, so that they may lie in memory that others write to; nothing is changed. `length`: of
// what is at hand, which may be the beginning of a large frame.
enum admission_class admission_look(struct interface *interface, const uint8_t *frame, uint32_t length);
// How many of a limited class may be taken in at stack->now.
uint32_t admission_credit(const struct stack *stack, enum admission_class class);
// Nanoseconds of the time since credit was added that make no whole frame yet.
uint64_t admission_unused_time(const struct stack *stack, enum admission_class class);
// So many were.
void admission_spend(struct stack *stack, enum admission_class class, uint32_t count);
// A call was completed.
void admission_call_completed(struct stack *stack);
