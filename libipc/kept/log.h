// The undo log itself, for libipc/kept and the loop (libipc/server). Stores are noted by lines of LINE_BYTES, each once between
// two commits: `lines` says of which lines that was done (or is not to be), and holds as good as all of the answers.
#pragma once

#include "libipc/kept/undo.h"

enum {
    LINE_SHIFT = 5,
    LINE_BYTES = KEPT_LINE_BYTES,
    LINE_WORDS = LINE_BYTES / 8 + 1, // of its entry
    LINES = 256,                     // a power of two
    LONG_WORDS = 2                   // of a longer entry, behind its bytes
};

// An entry's last word is its address times an odd number, modulo 2^64; of a longer entry twice the address and 1. Only few of
// all words come from an address in the window, so damage shows (of 2^64 words, one in 2^30 is sound) at the price of one
// multiplication, by a number that fits into its instruction.
#define ENTRY_SEAL   UINT64_C(0x4f1bbcdd)
#define ENTRY_UNSEAL UINT64_C(0xaa94f06e315efb75)
_Static_assert(ENTRY_SEAL *ENTRY_UNSEAL == 1, "the inverse");

// What is known of a line is its number (address / LINE_BYTES) plus `mark`, which each commit changes: so all of it is forgotten.
// While stores are counted, the stores' `mark` is one that no line is known by.
enum { MARK_SHIFT = 43, MARK_UNKNOWN = 63 }; // user addresses have 47 bits
#define MARK_STEP (UINT64_C(1) << MARK_SHIFT)

enum { LARGE = 1024, LARGE_MOST = 8, SMALL = 4 * LINE_BYTES };
struct large_range {
    uint64_t address, bytes;
};

// Noted by each commit, as the first entry of the log.
struct hot_range {
    uint64_t first_line; // 0: there is none
    uint64_t seals[LONG_WORDS];
};

// Shares no line with anything else: what is taken back with a line is all of it.
struct undo {
    uint64_t mark;                                 // what stores look at; `mark_true`, or MARK_UNKNOWN in addition
    uint64_t window;                               // bytes; 0: nothing is noted
    uint64_t stack_low, stack_bytes, stack_offset; // in the window
    uint64_t *next; // behind the last entry; behind the log itself: it was too small, since the last commit
    uint64_t *stop; // what stores look at: where the last of theirs may begin. `log` - 1 while each of them is counted (`fuse`)
    uint64_t *log;
    uint64_t capacity;  // words
    uint64_t mark_true; // below MARK_UNKNOWN
    uint64_t commits;
    uint64_t overflows;
    uint64_t fuse; // the actor ends at this store from now; 0: not set
    uint64_t seal; // of what does not change after kept_start
    uint32_t large_count;
    struct large_range large[LARGE_MOST]; // noted since the last commit, or fresh
    struct hot_range hot;
    uint64_t lines[LINES];
} __attribute__((aligned(64)));

extern struct undo undo;
extern const char __ehdr_start[] __attribute__((visibility("hidden"))); // the linker's: the start of the image

_Static_assert(LINE_BYTES == 1 << LINE_SHIFT, "the same");

#define barrier() __asm__ volatile("" : : : "memory")

// kept_active() without a call.
static inline __attribute__((always_inline)) bool is_noting(void) {
    return undo.window != 0;
}

// Less than an eighth of the log is used: whoever may need the rest finds enough without a commit now.
static inline __attribute__((always_inline)) bool is_shallow(void) {
    return (uint64_t)(undo.next - undo.log) < undo.capacity / 8;
}

// Memory whose stores are not noted until the next commit, since it was noted as a whole or means nothing if they are taken back:
// that of the fiber that runs. Begins and ends at multiples of KEPT_LINE_BYTES; takes the place of the one before. For functions
// whose own stores are not noted.
static inline __attribute__((always_inline)) void stack_set(const void *low, uint64_t bytes) {
    undo.stack_low = (uintptr_t)low;
    undo.stack_bytes = bytes;
    undo.stack_offset = (uintptr_t)low - (uintptr_t)__ehdr_start;
}

// Notes what lies from `low` to `end` as a whole, before stack_set says that no store to it needs a note: so nothing of it is
// looked at by lines.
void kept_note_stack(const void *low, const void *end);

// Writes the entry of the line at `address`.
static inline __attribute__((always_inline)) void entry_write(uint64_t *entry, uintptr_t address) {
    address &= -(uintptr_t)LINE_BYTES;
    const uint64_t *line = (const uint64_t *)address; // NOLINT(performance-no-int-to-ptr)
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < LINE_WORDS - 1; i++)
        entry[i] = line[i];
    entry[LINE_WORDS - 1] = address * ENTRY_SEAL;
    barrier();
    undo.next = entry + LINE_WORDS;
    barrier();
}

// A store that could not be noted at once: it is counted, or the log is full.
void kept_note_store(uintptr_t address);

// Before a store: notes the line at `address`, if it is in the window and nothing is known of it.
static inline __attribute__((always_inline)) void note_store(uintptr_t address) {
    uint64_t line = address >> LINE_SHIFT, *known = &undo.lines[line % LINES];
    line += undo.mark;
    if (__builtin_expect(*known == line, 1))
        return;
    uint64_t above = address - undo.stack_low; // many first stores are to the stack
    if (above >= undo.stack_bytes && above + undo.stack_offset < undo.window) {
        uint64_t *entry = undo.next;
        if (__builtin_expect(entry > undo.stop, 0)) {
            kept_note_store(address);
            return;
        }
        entry_write(entry, address);
    }
    *known = line;
    barrier();
}
