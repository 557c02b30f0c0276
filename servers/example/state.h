// What the counter keeps. The record lies in state memory (libipc/state/state.h) and outlives every actor;
// the rest is this actor's own. Invariant: `record` is a copy of what was committed last.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/protocols/counter_server.h"
#include "libipc/server/server.h"
#include "libipc/state/state.h"

enum { COUNTER_STATE_VERSION = 1, COUNTER_CLASS = 1, COUNTER_RECORD_VERSION = 1, COUNTER_ANSWERS = 8 };

// An addition that took effect: whose it was and what was answered.
struct counter_answer {
    uint64_t number_thread, number_count;
    uint64_t value;
};

// An addition never waits, so at most one has taken effect and is not answered yet when an actor dies. Its
// caller sends it again under the same number, but others may come first; so each actor writes to an entry of
// its own, and the last eight actors' answers are kept.
struct counter_record {
    uint64_t value;
    uint64_t newest; // index of this actor's entry
    struct counter_answer answers[COUNTER_ANSWERS];
};

struct counter {
    struct server server;
    struct state state;
    uint32_t handle; // of the record in state memory
    struct counter_record record;
    struct fiber_wait_queue waiters; // for a higher value
};

extern struct counter counter;
extern const struct counter_ops counter_ops;

// Takes up what the actor before left in state memory, or begins at 0. `memory`: mapped, 64-byte aligned.
// ERR_NO_SPACE.
MUST_USE error_t counter_open(void *memory, uint64_t length);
