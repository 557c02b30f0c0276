// Two-level segregated fit (Masmano, Ripoll, Crespo and Real, ECRTS 2004): free blocks hang in lists by size
// class, two bitmaps find the first list that surely fits, and neighbours are joined at once, so that
// allocating and freeing take constant time and a request wastes at most one part in 32. Blocks of 256 KiB
// and more are mappings of their own and go back to the system when they are freed; so do arenas that are
// empty, but for one that is kept. Called by malloc.c; one thread only.
//
// In front of those lists small blocks rest by their size, a few of each, and are given again as they are: that changes a list's
// head and the block's first line (libipc/kept/undo.h), and nothing of its neighbours. They go to the lists when nothing else of
// their arena is used, and before the heap grows. New small blocks are cut from the ends of free ones, large ones from the
// beginnings, so that these may grow where they lie.
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/heap.h"
#include "libc/internal/system.h"

// Small blocks come from those that rest, mostly, and go there; the rest is in every program, and small.
#define SELDOM __attribute__((noinline, minsize))

enum {
    UNIT = HEAP_ALIGNMENT, // block sizes are counted in units
    LINE_UNITS = 2,        // blocks end where a line of kept memory does, so that a line belongs to one block
    PAGE = 4096,
    CLASS_BITS = 5,
    CLASSES = 1 << CLASS_BITS, // per row; row 0 is linear
    ROWS = 17 - CLASS_BITS,    // up to 2^16 units, the biggest arena
    SMALLEST_UNITS = 2,        // header and the links of a free block
    ARENA_FIRST = 64 * 1024,
    ARENA_LARGEST = 1024 * 1024,
    MAPPED_FROM = 256 * 1024,
    RESTING_LARGEST = 1024 / UNIT,
    RESTING_MOST = 8 // of each size
};

enum block_state { BLOCK_FREE = 0xf4ee, BLOCK_USED = 0x05ed, BLOCK_RESTING = 0x4e57, BLOCK_MAPPED = 0x3a99, BLOCK_END = 0xe4d0 };

// A mapped block lies `previous` units into a mapping of `size` pages. In an arena `size` is in units, header
// included, and `previous` is the size of the block before, 0 for the first.
struct block {
    uint32_t size;
    uint32_t previous;
    uint32_t seal;
    uint32_t state;
};

// Set in two stores, since each of a server's is noted.
union block_words {
    struct block block;
    uint64_t words[2];
};

struct free_block {
    struct block header;
    struct free_block *next, *before;
};

struct resting_block {
    struct block header;
    struct resting_block *next;
    union {
        struct {
            uint32_t seal;
            uint32_t released_in; // kept_commits() at its release, modulo 2^32
        } of;
        uint64_t word;
    } told; // set in one store
};

_Static_assert(sizeof(struct block) == UNIT, "a header is one unit");
_Static_assert(sizeof(struct resting_block) == sizeof(struct free_block), "the words that count while a block is not used");

static struct free_block *lists[ROWS][CLASSES];
static struct {           // what most calls change, in few lines
    uint64_t released_in; // kept_commits() at the last release to `lists`
    uint32_t empty_arenas;
    uint32_t row_map, class_maps[ROWS];
    struct resting {
        struct resting_block *first;
        uint32_t count;
    } resting[RESTING_LARGEST / LINE_UNITS + 1];
} heap __attribute__((aligned(64)));
static uint64_t secret;
static size_t next_arena = ARENA_FIRST;

static noreturn void heap_fail(const char *message) {
    size_t done;
    (void)!system_write(STDERR_FILENO, message, strlen(message), &done);
    system_abort();
}

// Without random bytes the seals still find accidents; only an attacker could forge them.
static void secret_choose(void) {
    if (system_random(&secret, sizeof secret) != ERR_OK)
        secret = UINT64_C(0xd1342543de82ef95);
    secret |= 1;
}

static uint32_t seal_of(const struct block *block, uint32_t size, uint32_t previous, uint32_t state) {
    uint64_t fields = ((uint64_t)size << 32 | previous) ^ (uint64_t)state << 20;
    uint64_t mixed = (fields ^ (uintptr_t)block ^ secret) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32);
}

static uint32_t block_seal(const struct block *block) {
    return seal_of(block, block->size, block->previous, block->state);
}

static void block_set(struct block *block, uint32_t size, uint32_t previous, enum block_state state) {
    union block_words *words = (union block_words *)block;
    words->words[0] = (uint64_t)previous << 32 | size;
    words->words[1] = (uint64_t)state << 32 | seal_of(block, size, previous, state);
}

static void block_set_state(struct block *block, enum block_state state) {
    union block_words *words = (union block_words *)block;
    words->words[1] = (uint64_t)state << 32 | seal_of(block, block->size, block->previous, state);
}

static void block_verify(const struct block *block) {
    if (block->seal != block_seal(block))
        heap_fail("malloc: heap corrupt: a block's header was overwritten\n");
}

static struct block *block_after(struct block *block) {
    return block + block->size;
}

static struct block *block_of(void *payload) {
    struct block *block = (struct block *)payload - 1;
    if ((uintptr_t)payload % UNIT != 0)
        heap_fail("malloc: not the address of a block\n");
    block_verify(block);
    if (block->state == BLOCK_USED || block->state == BLOCK_MAPPED)
        return block;
    heap_fail(block->state == BLOCK_END ? "malloc: not the address of a block\n" : "malloc: block freed twice\n");
}

// The list that a free block of that many units belongs to.
static void class_of(uint32_t units, unsigned *row, unsigned *class) {
    if (units < CLASSES) {
        *row = 0;
        *class = units;
        return;
    }
    unsigned top = 31 - (unsigned)__builtin_clz(units);
    *row = top - CLASS_BITS + 1;
    *class = (units >> (top - CLASS_BITS)) - CLASSES;
}

SELDOM static void list_add(struct block *block) {
    unsigned row, class;
    class_of(block->size, &row, &class);
    struct free_block *entry = (struct free_block *)block;
    entry->before = NULL;
    entry->next = lists[row][class];
    if (entry->next != NULL)
        entry->next->before = entry;
    lists[row][class] = entry;
    heap.class_maps[row] |= 1u << class;
    heap.row_map |= 1u << row;
}

static void list_verify(const struct free_block *entry, unsigned row, unsigned class) {
    if ((entry->before != NULL ? entry->before->next : lists[row][class]) != entry ||
        (entry->next != NULL && entry->next->before != entry))
        heap_fail("malloc: heap corrupt: a free block was written to\n");
}

SELDOM static void list_remove(struct block *block) {
    unsigned row, class;
    class_of(block->size, &row, &class);
    struct free_block *entry = (struct free_block *)block;
    list_verify(entry, row, class);
    if (entry->next != NULL)
        entry->next->before = entry->before;
    if (entry->before != NULL) {
        entry->before->next = entry->next;
        return;
    }
    lists[row][class] = entry->next;
    if (entry->next == NULL && (heap.class_maps[row] &= ~(1u << class)) == 0)
        heap.row_map &= ~(1u << row);
}

// The free block `old` becomes the free block `block`, of another size; it keeps its place in the list, if that is the list of
// that size too.
SELDOM static void list_change(struct block *old, struct block *block, uint32_t size, uint32_t previous) {
    unsigned row, class, old_row, old_class;
    class_of(size, &row, &class);
    class_of(old->size, &old_row, &old_class);
    bool stays = row == old_row && class == old_class;
    if (!stays) {
        list_remove(old);
    } else if (old != block) {
        struct free_block *entry = (struct free_block *)block, *was = (struct free_block *)old;
        list_verify(was, row, class);
        entry->next = was->next;
        entry->before = was->before;
        if (entry->next != NULL)
            entry->next->before = entry;
        if (entry->before != NULL)
            entry->before->next = entry;
        else
            lists[row][class] = entry;
    }
    block_set(block, size, previous, BLOCK_FREE);
    if (!stays)
        list_add(block);
}

// A free block of at least `units`, still in its list; null if there is none. The request is rounded up to
// the next class, all of whose blocks fit.
SELDOM static struct block *list_find(uint32_t units) {
    if (units >= CLASSES)
        units += (1u << (31 - (unsigned)__builtin_clz(units) - CLASS_BITS)) - 1;
    unsigned row, class;
    class_of(units, &row, &class);
    if (row >= ROWS)
        return NULL;
    uint32_t classes = heap.class_maps[row] & (~0u << class);
    if (classes == 0) {
        uint32_t rows = heap.row_map & (~0u << row << 1);
        if (rows == 0)
            return NULL;
        row = (unsigned)__builtin_ctz(rows);
        classes = heap.class_maps[row];
    }
    return &lists[row][__builtin_ctz(classes)]->header;
}

// An arena starts as one free block with an end mark behind it.
SELDOM static bool arena_add(uint32_t units) {
    size_t wanted = ((size_t)units + units / CLASSES + 1 + LINE_UNITS) * UNIT;
    size_t size = next_arena > wanted ? next_arena : (wanted + PAGE - 1) / PAGE * PAGE;
    void *memory;
    if (system_memory_map(size, &memory) != ERR_OK)
        return false;
    if (next_arena < ARENA_LARGEST)
        next_arena *= 2;
    struct block *block = memory;
    uint32_t all = (uint32_t)(size / UNIT) - LINE_UNITS;
    block_set(block, all, 0, BLOCK_FREE);
    block_set(block + all, 0, all, BLOCK_END);
    list_add(block);
    heap.empty_arenas++;
    return true;
}

static bool is_whole_arena(struct block *block) {
    return block->previous == 0 && block_after(block)->state == BLOCK_END;
}

// Cuts a block (in no list) down to `units`, giving back the rest if it is big enough to be a block.
SELDOM static void block_trim(struct block *block, uint32_t units, enum block_state state) {
    uint32_t rest = block->size - units;
    if (rest < SMALLEST_UNITS) {
        block_set(block, block->size, block->previous, state);
        return;
    }
    struct block *after = block_after(block);
    block_verify(after);
    block_set(block, units, block->previous, state);
    struct block *spare = block_after(block);
    if (after->state == BLOCK_FREE) {
        list_remove(after);
        rest += after->size;
        after = block_after(after);
        block_verify(after);
    }
    block_set(spare, rest, units, BLOCK_FREE);
    block_set(after, after->size, rest, after->state);
    list_add(spare);
}

// The end of a free block, which mostly stays in its list: that changes least. Begins where a line does if `block` does.
static struct block *block_cut(struct block *block, uint32_t units) {
    struct block *after = block_after(block);
    if ((uintptr_t)after / UNIT % LINE_UNITS != 0 && block->size > units) // what lies behind is aligned to more than UNIT
        units++;
    uint32_t rest = block->size - units;
    struct block *end = block + rest;
    if (rest < SMALLEST_UNITS) {
        list_remove(block);
        block_set_state(block, BLOCK_USED);
        return block;
    }
    block_verify(after);
    list_change(block, block, rest, block->previous);
    block_set(end, units, rest, BLOCK_USED);
    block_set(after, after->size, units, after->state);
    return end;
}

SELDOM static void *mapped_allocate(size_t size, size_t alignment) {
    size_t slack = alignment > UNIT ? alignment : UNIT;
    if (size > PTRDIFF_MAX - slack - PAGE)
        return NULL;
    size_t bytes = (size + slack + PAGE - 1) / PAGE * PAGE;
    void *memory;
    if (bytes / PAGE > UINT32_MAX || slack / UNIT > UINT32_MAX || system_memory_map(bytes, &memory) != ERR_OK)
        return NULL;
    uintptr_t payload = ((uintptr_t)memory + UNIT + alignment - 1) & ~(uintptr_t)(alignment - 1);
    struct block *block = (struct block *)payload - 1;
    block_set(block, (uint32_t)(bytes / PAGE), (uint32_t)(((uintptr_t)block - (uintptr_t)memory) / UNIT), BLOCK_MAPPED);
    return block + 1;
}

// Of a block that begins `offset` units into a line.
static uint32_t units_for(size_t size, uint32_t offset) {
    uint32_t units = (uint32_t)((size + UNIT - 1) / UNIT) + 1;
    if (units < SMALLEST_UNITS)
        units = SMALLEST_UNITS;
    return units + (units + offset) % LINE_UNITS;
}

// Splits off what lies before the first aligned payload, as a free block of its own.
SELDOM static struct block *block_align(struct block *block, size_t alignment) {
    uintptr_t payload = (uintptr_t)(block + 1);
    uintptr_t aligned = (payload + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (aligned == payload)
        return block;
    if (aligned - payload < SMALLEST_UNITS * UNIT)
        aligned += alignment;
    uint32_t front = (uint32_t)((aligned - payload) / UNIT), whole = block->size;
    struct block *after = block_after(block);
    block_verify(after);
    struct block *result = block + front;
    block_set(block, front, block->previous, BLOCK_FREE);
    block_set(result, whole - front, front, BLOCK_FREE);
    block_set(after, after->size, whole - front, after->state);
    list_add(block);
    return result;
}

static void memory_is_released(void) {
    if (kept_commits != NULL)
        heap.released_in = kept_commits();
}

// To `lists`, where it joins its neighbours. Constant time.
SELDOM static void block_release(struct block *block) {
    memory_is_released();
    struct block *after = block_after(block), *before = block - block->previous, *joined = NULL;
    uint32_t size = block->size;
    block_verify(after);
    if (after->state == BLOCK_FREE) {
        joined = after;
        size += after->size;
        after = block + size;
        block_verify(after);
    }
    if (block->previous != 0) {
        block_verify(before);
        if (before->state == BLOCK_FREE) {
            if (joined != NULL)
                list_remove(joined);
            block_set_state(block, BLOCK_FREE); // to be found if it is released again
            joined = before;
            size += before->size;
            block = before;
        }
    }
    block_set(after, after->size, size, after->state);
    if (block->previous == 0 && after->state == BLOCK_END) {
        if (joined != NULL)
            list_remove(joined);
        if (heap.empty_arenas > 0) {
            system_memory_unmap(block, ((size_t)size + LINE_UNITS) * UNIT);
            return;
        }
        heap.empty_arenas++;
        joined = NULL;
    }
    if (joined != NULL) {
        list_change(joined, block, size, block->previous);
        return;
    }
    block_set(block, size, block->previous, BLOCK_FREE);
    list_add(block);
}

static uint32_t commits_now(void) {
    return kept_commits != NULL ? (uint32_t)kept_commits() : 0;
}

static uint32_t resting_seal(const struct resting_block *block, uint32_t released_in) {
    uint64_t fields = (uintptr_t)block->next ^ (uintptr_t)block << 16 ^ secret;
    return (uint32_t)((fields ^ (uint64_t)released_in << 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static void resting_set(struct resting_block *block, struct resting_block *next, uint32_t released_in) {
    block->next = next;
    block->told.word = (uint64_t)released_in << 32 | resting_seal(block, released_in);
}

// Of a block of an odd size, too: it has more than was asked for.
static struct resting *resting_of(uint32_t units) {
    return &heap.resting[units / LINE_UNITS];
}

static void resting_verify(const struct resting_block *block) {
    block_verify(&block->header);
    if (block->header.state != BLOCK_RESTING || block->told.of.seal != resting_seal(block, block->told.of.released_in))
        heap_fail("malloc: heap corrupt: a free block was written to\n");
}

// False if the block can't rest.
static bool resting_add(struct block *block) {
    if (block->size > RESTING_LARGEST || (uintptr_t)block / UNIT % LINE_UNITS != 0)
        return false;
    struct resting *resting = resting_of(block->size);
    if (resting->count == RESTING_MOST)
        return false;
    struct resting_block *entry = (struct resting_block *)block;
    resting_set(entry, resting->first, commits_now());
    block_set_state(block, BLOCK_RESTING);
    resting->count++;
    resting->first = entry;
    return true;
}

// Blocks at these addresses rest no more.
SELDOM static void resting_release(uintptr_t from, uintptr_t to) {
    for (struct resting *resting = heap.resting; resting <= resting_of(RESTING_LARGEST); resting++) {
        struct resting_block *before = NULL, *next;
        for (struct resting_block *block = resting->first; block != NULL; block = next) {
            resting_verify(block);
            next = block->next;
            if ((uintptr_t)block < from || (uintptr_t)block >= to) {
                before = block;
                continue;
            }
            if (before == NULL) {
                resting->first = next;
            } else {
                resting_set(before, next, before->told.of.released_in);
            }
            resting->count--;
            block_release(&block->header);
        }
    }
}

static bool is_used(const struct block *block) {
    block_verify(block);
    return block->state == BLOCK_USED;
}

// Whether nothing but this block is used in its arena; then nothing rests there any more. Takes a step for each block up to the
// next used ones: two for each that rests, at most.
static bool arena_settle(struct block *block) {
    struct block *first = block, *end = block_after(block);
    for (; !is_used(end) && end->state != BLOCK_END; end = block_after(end))
        ;
    if (end->state != BLOCK_END)
        return false;
    while (first->previous != 0) {
        first -= first->previous;
        if (is_used(first))
            return false;
    }
    resting_release((uintptr_t)first, (uintptr_t)end);
    return true;
}

// What is in memory that is given: nothing but zeros; behind the words of a block that is not used, what was free at the last
// commit, or else what a rollback must bring back.
enum content { CONTENT_ZERO, CONTENT_FREE, CONTENT_OLD };

// Released since the last commit: a rollback must bring back what is in it. Without a commit there is no rollback.
static bool is_recent(const struct resting_block *block) {
    uint64_t now = kept_commits != NULL ? kept_commits() : 0;
    return now != 0 && block->told.of.released_in == (uint32_t)now;
}

static struct block *resting_allocate(uint32_t units, enum content *content) {
    struct resting *resting = resting_of(units);
    struct resting_block *block = resting->first, *before = NULL;
    if (block == NULL)
        return NULL;
    resting_verify(block);
    if (is_recent(block)) { // one more block of a size, from the lists, is cheaper in the long run
        before = block;
        block = block->next;
        if (block == NULL)
            return NULL;
        resting_verify(block);
    }
    block_set_state(&block->header, BLOCK_USED);
    resting->count--;
    if (before == NULL)
        resting->first = block->next;
    else
        resting_set(before, block->next, before->told.of.released_in);
    if (kept_commits != NULL && !is_recent(block))
        *content = CONTENT_FREE;
    return &block->header;
}

SELDOM static struct block *lists_allocate(uint32_t units, size_t alignment, enum content *content) {
    uint32_t wanted = units;
    if (alignment > UNIT)
        wanted += (uint32_t)(alignment / UNIT) + SMALLEST_UNITS;
    struct block *block = list_find(wanted);
    if (block == NULL) {
        resting_release(0, UINTPTR_MAX);
        block = list_find(wanted);
    }
    bool is_new = block == NULL;
    if (is_new && (!arena_add(wanted) || (block = list_find(wanted)) == NULL))
        return NULL;
    block_verify(block);
    if (is_whole_arena(block))
        heap.empty_arenas--;
    if (units <= RESTING_LARGEST && alignment <= UNIT) {
        block = block_cut(block, units);
    } else {
        list_remove(block);
        if (alignment > UNIT)
            block = block_align(block, alignment);
        block_trim(block, units, BLOCK_USED);
    }
    // What was released since the last commit may be in any block but one of a new arena.
    if (kept_commits != NULL && (is_new || heap.released_in != kept_commits()))
        *content = CONTENT_FREE;
    return block;
}

static void *allocate(size_t size, size_t alignment, enum content *content) {
    if (secret == 0)
        secret_choose();
    if (size >= MAPPED_FROM || alignment >= MAPPED_FROM / 2) {
        void *payload = mapped_allocate(size, alignment);
        if (payload != NULL && kept_commits != NULL)
            kept_fresh(payload, size);
        *content = CONTENT_ZERO;
        return payload;
    }
    *content = CONTENT_OLD;
    uint32_t units = units_for(size, alignment > UNIT ? LINE_UNITS - 1 : 0);
    struct block *block = NULL;
    if (units <= RESTING_LARGEST && alignment <= UNIT)
        block = resting_allocate(units, content);
    if (block == NULL)
        block = lists_allocate(units, alignment, content);
    if (block == NULL)
        return NULL;
    if (*content == CONTENT_FREE)
        kept_fresh((struct free_block *)block + 1, (size_t)block->size * UNIT - sizeof(struct free_block));
    return block + 1;
}

void *heap_allocate(size_t size, size_t alignment) {
    enum content content;
    return allocate(size, alignment, &content);
}

void *heap_allocate_zeroed(size_t size) {
    enum content content;
    char *payload = allocate(size, UNIT, &content);
    if (payload == NULL || content == CONTENT_ZERO)
        return payload;
    if (content == CONTENT_OLD || kept_set_unnoted == NULL)
        return memset(payload, 0, size);
    struct free_block *block = (struct free_block *)((struct block *)payload - 1);
    block->next = NULL;
    block->before = NULL;
    if (size > sizeof *block - sizeof block->header)
        kept_set_unnoted(block + 1, 0, size - (sizeof *block - sizeof block->header));
    return payload;
}

void heap_release(void *payload) {
    struct block *block = block_of(payload);
    if (block->state == BLOCK_MAPPED) {
        system_memory_unmap(block - block->previous, (size_t)block->size * PAGE);
        return;
    }
    if (arena_settle(block) || !resting_add(block))
        block_release(block);
}

static bool mapped_resize(struct block *block, size_t size) {
    size_t used = ((size_t)block->previous + 1) * UNIT, have = (size_t)block->size * PAGE;
    if (size < MAPPED_FROM / 2 || size > have - used)
        return false;
    size_t bytes = (used + size + PAGE - 1) / PAGE * PAGE;
    if (bytes < have && system_memory_unmap((char *)(block - block->previous) + bytes, have - bytes) == ERR_OK)
        block_set(block, (uint32_t)(bytes / PAGE), block->previous, BLOCK_MAPPED);
    return true;
}

SELDOM void heap_fill(void) {
    size_t bytes = ARENA_FIRST / 16 * 15; // the rest is what list_find rounds up by
    unsigned char *all = heap_allocate(bytes, UNIT);
    if (all == NULL)
        return;
    memset(all, 0, bytes);
    heap_release(all);
}

SELDOM bool heap_resize(void *payload, size_t size) {
    struct block *block = block_of(payload);
    if (block->state == BLOCK_MAPPED)
        return mapped_resize(block, size);
    if (size >= MAPPED_FROM)
        return false;
    uint32_t units = units_for(size, (uintptr_t)block / UNIT % LINE_UNITS);
    if (units > block->size) {
        struct block *after = block_after(block);
        block_verify(after);
        if (after->state != BLOCK_FREE || block->size + after->size < units)
            return false;
        list_remove(after);
        uint32_t joined = block->size + after->size;
        block_set(block, joined, block->previous, BLOCK_USED);
        after = block_after(block);
        block_verify(after);
        block_set(after, after->size, joined, after->state);
    }
    memory_is_released();
    block_trim(block, units, BLOCK_USED);
    return true;
}

size_t heap_usable_size(void *payload) {
    struct block *block = block_of(payload);
    if (block->state == BLOCK_MAPPED)
        return (size_t)block->size * PAGE - ((size_t)block->previous + 1) * UNIT;
    return ((size_t)block->size - 1) * UNIT;
}
