// The undo log itself, for libipc/kept alone.
#pragma once

#include "libipc/kept/undo.h"

enum { LENGTH_SHIFT = 48, LENGTH_LONG = 0xffff, STORE_WORDS = 2 /* of an entry of up to eight bytes */ };

enum { LARGE = 1024, LARGE_MOST = 8 };
struct large_range {
    uint64_t address, bytes;
};

struct undo {
    uint64_t *log;
    uint64_t *next;    // behind the last entry
    uint64_t *stop;    // what stores look at: where the last of theirs may begin. `log` - 1 while each of them is counted (`fuse`)
    uint64_t capacity; // words
    uint64_t window;   // bytes; 0: nothing is noted
    uint64_t stack_low, stack_bytes;
    uint64_t deepest, overflows;
    uint64_t fuse;   // the actor ends at this store from now; 0: not set
    bool overflowed; // since the last commit
    uint32_t large_count;
    struct large_range large[LARGE_MOST]; // noted since the last commit
};

extern struct undo undo;
extern const char __ehdr_start[]
    __attribute__((visibility("hidden"))); // the linker's: the start of the image

#define barrier() __asm__ volatile("" : : : "memory")
