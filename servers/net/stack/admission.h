// Which frames get work when there are more than can be done: frames of connections that are open, always; calls (SYNs) from
// peers who were here before as long as they take no more than a quarter of the time; those of strangers as long as they take a
// small part of it. So no flood of frames that mean nothing, or of SYNs from anywhere, takes the machine from those who use it; a
// first frame that was refused is sent again by its own TCP. Used by the one who takes frames in (servers/net/link.c), before a
// frame is copied: what is refused costs next to nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/net/stack/address.h"

enum { ADMISSION_PEERS = 256 };

struct interface;
struct stack;

enum admission_class { ADMISSION_STRANGER, ADMISSION_CALL, ADMISSION_LIMITED, ADMISSION_KNOWN = ADMISSION_LIMITED };

struct allowance {
    int64_t credit;     // nanoseconds that frames of the class may take; below 0 after one that took more
    uint64_t credit_at; // when it was last added to
};

struct admission {
    struct address peers[ADMISSION_PEERS]; // completed a handshake; by a hash under the stack's key
    struct allowance allowances[ADMISSION_LIMITED];
};

// A handshake was completed: the peer's address is its own.
void admission_remember(struct stack *stack, const struct address *peer);
// Where in the table a peer is, if he is.
uint32_t admission_place(const struct stack *stack, const struct address *peer);
bool admission_is_peer(const struct stack *stack, const struct address *peer);
// ADMISSION_KNOWN: `frame` is of a connection, of a peer, or for somebody who waits for it. Reads each byte once at the most, and
// nothing but its headers, so that they may lie in memory that others write to; nothing is changed.
enum admission_class admission_look(struct interface *interface, const uint8_t *frame, uint32_t length);
// Whether a frame of a limited class may be taken in at stack->now.
bool admission_has_credit(struct stack *stack, enum admission_class class);
// A frame of a limited class took so many nanoseconds.
void admission_spend(struct stack *stack, enum admission_class class, uint64_t nanoseconds);
