// The measuring core: the list of cases and the thread that runs them. It needs a process with its own
// process, account and clock capabilities, and nothing else, so that it is the same in the program `ipcbench`
// and in the bare benchmark that takes init's place.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "programs/ipcbench/measure.h"

// What a figure spans.
enum bench_span {
    SPAN_ROUND_TRIP = 0, // from before the request until after its answer
    SPAN_ONE_WAY = 1,    // from before the request until the other side's next instruction
    SPAN_WHOLE = 2,      // one operation, or several that undo each other
};

struct bench {
    struct measure measure;
    cap_t code;        // the peers
    cap_t done;        // signalled when a case is over
    uint64_t priority; // of the thread that measures and of partners
    uint64_t *move_scratch;
};

struct bench_case {
    const char *name;
    enum bench_span span;
    uint32_t divisor; // long operations are sampled so many times less often
    const char *what;
    error_t (*run)(const struct bench *bench, struct series *series);
};

extern const struct bench_case bench_call_cases[], bench_memory_cases[], bench_object_cases[];
extern const unsigned bench_call_case_count, bench_memory_case_count, bench_object_case_count;

unsigned bench_case_count(void);
const struct bench_case *bench_case_at(unsigned index);

// Calibrates and makes what all cases need. `highest` is the highest priority to be used (a waiting thread
// that is to run at once has it; the rest is one below).
MUST_USE error_t bench_start(struct bench *bench, uint64_t highest);

// Runs one case in a thread without an FPU; the calling thread sleeps meanwhile. The samples are finished
// afterwards.
MUST_USE error_t bench_run(struct bench *bench, const struct bench_case *which, struct series *series);
