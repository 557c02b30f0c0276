// Throughput of independent pairs: each a client and a server in processes of their own, tied to one
// processor.
#pragma once

#include "programs/ipcbench/suite.h"

enum { PAIRS_MOST = 64 };

struct pairs {
    unsigned count;        // of pairs; number i runs on processor i
    uint64_t best, median; // round trips per second of all together, in windows of 50 ms
    uint64_t slowest;      // of the pair that made the fewest, in all windows together
};

// Runs `count` pairs at once and counts. ERR_IO: one of them got an error.
MUST_USE error_t pairs_run(struct bench *bench, unsigned count, struct pairs *pairs);
