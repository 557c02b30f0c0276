// What a role took and does not answer, though its loop goes on: read out of the loop of libipc in its memory. The actor's own
// word, so it is read with care, and believed only if it stays the same for many looks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/server/loop.h"

struct role;

// Of the looks before. Zero: none yet.
struct requests_watch {
    uint64_t loop, work, asks, interrupts; // where they lie in the role's memory; 0: it has none
    bool has_places;                       // these are known
    uint64_t fiber, count, stack_pointer;  // one that waits for what only its own server does
    uint32_t fiber_looks;
    uint64_t lost_slot; // of a reply that nobody knows of
    uint32_t lost_looks;
    uint64_t taken, done; // through rings
    uint32_t work_looks;
    struct server_interrupts before;
    uint32_t storm_looks, spin_looks;
};

// What stands for the role's guilt.
struct unanswered {
    const char *what;       // in words; NULL: all is well
    uint64_t frame;         // where the stack of the fiber that waits begins; 0: there is none
    struct request request; // the fiber's, if there is one
    bool is_due;            // and an answer through rings, which it may wait for
};

// One look at a role that runs. `may_look`: its thread waits, and it does not hand over.
// `passed`: nanoseconds since the last look.
void requests_look(struct role *role, bool may_look, uint64_t passed, struct unanswered *found);
// The request of this thread that the role has taken and put aside.
bool requests_has(const struct role *role, uint64_t thread);
