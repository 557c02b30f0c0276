// The undo log itself, for libipc/kept alone.
#pragma once

#include "libipc/kept/undo.h"

enum { LENGTH_SHIFT = 48, LENGTH_LONG = 0xffff, STORE_WORDS = 2 /* of an entry of up to eight bytes */ };

// An entry's last word is its address and length times an odd number, modulo 2^64. Only few of all words come
// from an address in the window and a length that there is, so damage shows (of 2^64 words, one in 2^28 is
// sound) at the price of one multiplication.
#define ENTRY_SEAL   UINT64_C(0x9e3779b97f4a7c15)
#define ENTRY_UNSEAL UINT64_C(0xf1de83e19937733d)
_Static_assert(ENTRY_SEAL *ENTRY_UNSEAL == 1, "the inverse");

enum { LARGE = 1024, LARGE_MOST = 8 };
struct large_range {
    uint64_t address, bytes;
};

struct undo {
    uint64_t *log;
    uint64_t *next; // behind the last entry
    uint64_t *stop; // what stores look at: where the last of theirs may begin. `log` - 1 while each of them is counted (`fuse`)
    uint64_t capacity; // words
    uint64_t window;   // bytes; 0: nothing is noted
    uint64_t stack_low, stack_bytes;
    uint64_t deepest, overflows, commits;
    uint64_t fuse;   // the actor ends at this store from now; 0: not set
    uint64_t seal;   // of what does not change after kept_start
    bool overflowed; // since the last commit
    uint32_t large_count;
    struct large_range large[LARGE_MOST]; // noted since the last commit
};

extern struct undo undo;
extern const char __ehdr_start[] __attribute__((visibility("hidden"))); // the linker's: the start of the image

#define barrier() __asm__ volatile("" : : : "memory")
