// Two-level segregated fit (Masmano, Ripoll, Crespo and Real, ECRTS 2004): free blocks hang in lists by size
// class, two bitmaps find the first list that surely fits, and neighbours are joined at once, so that
// allocating and freeing take constant time and a request wastes at most one part in 32. Blocks of 256 KiB
// and more are mappings of their own and go back to the system when they are freed; so do arenas that are
// empty, but for one that is kept. Called by malloc.c; one thread only.
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/heap.h"
#include "libc/internal/system.h"

enum {
    UNIT = HEAP_ALIGNMENT, // block sizes are counted in units
    PAGE = 4096,
    CLASS_BITS = 5,
    CLASSES = 1 << CLASS_BITS, // per row; row 0 is linear
    ROWS = 17 - CLASS_BITS,    // up to 2^16 units, the biggest arena
    SMALLEST_UNITS = 2,        // header and the links of a free block
    ARENA_FIRST = 64 * 1024,
    ARENA_LARGEST = 1024 * 1024,
    MAPPED_FROM = 256 * 1024,
};

enum block_state { BLOCK_FREE = 0xf4ee, BLOCK_USED = 0x05ed, BLOCK_MAPPED = 0x3a99, BLOCK_END = 0xe4d0, BLOCK_GONE = 0x6042 };

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

_Static_assert(sizeof(struct block) == UNIT, "a header is one unit");

static struct free_block *lists[ROWS][CLASSES];
static struct {           // what most calls change, in few lines
    uint64_t released_in; // kept_commits() at the last release
    uint32_t empty_arenas;
    uint32_t row_map, class_maps[ROWS];
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
    if (block->seal == block_seal(block) && (block->state == BLOCK_FREE || block->state == BLOCK_GONE))
        heap_fail("malloc: block freed twice\n");
    block_verify(block);
    if (block->state != BLOCK_USED && block->state != BLOCK_MAPPED)
        heap_fail("malloc: not the address of a block\n");
    return block;
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

static void list_add(struct block *block) {
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

static void list_remove(struct block *block) {
    unsigned row, class;
    class_of(block->size, &row, &class);
    struct free_block *entry = (struct free_block *)block;
    if ((entry->before != NULL ? entry->before->next : lists[row][class]) != entry ||
        (entry->next != NULL && entry->next->before != entry))
        heap_fail("malloc: heap corrupt: a free block was written to\n");
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

// A free block of at least `units`, still in its list; null if there is none. The request is rounded up to
// the next class, all of whose blocks fit.
static struct block *list_find(uint32_t units) {
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
static bool arena_add(uint32_t units) {
    size_t wanted = ((size_t)units + units / CLASSES + 2) * UNIT;
    size_t size = next_arena > wanted ? next_arena : (wanted + PAGE - 1) / PAGE * PAGE;
    void *memory;
    if (system_memory_map(size, &memory) != ERR_OK)
        return false;
    if (next_arena < ARENA_LARGEST)
        next_arena *= 2;
    struct block *block = memory;
    uint32_t all = (uint32_t)(size / UNIT) - 1;
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
static void block_trim(struct block *block, uint32_t units, enum block_state state) {
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

static void *mapped_allocate(size_t size, size_t alignment) {
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

static uint32_t units_for(size_t size) {
    uint32_t units = (uint32_t)((size + UNIT - 1) / UNIT) + 1;
    return units < SMALLEST_UNITS ? SMALLEST_UNITS : units;
}

// Splits off what lies before the first aligned payload, as a free block of its own.
static struct block *block_align(struct block *block, size_t alignment) {
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

// In a server, what was free when it last committed need not come back, but for the links of the free block. What it has released
// since must, and may be in any block but one of a new arena.
static void memory_fresh(struct block *block, bool is_new) {
    if (kept_commits == NULL || (heap.released_in == kept_commits() && !is_new))
        return;
    unsigned char *from = (unsigned char *)block + sizeof(struct free_block);
    kept_fresh(from, (size_t)block->size * UNIT - sizeof(struct free_block));
}

static void memory_is_released(void) {
    if (kept_commits != NULL)
        heap.released_in = kept_commits();
}

void *heap_allocate(size_t size, size_t alignment, bool *zeroed) {
    if (alignment < UNIT)
        alignment = UNIT;
    if (secret == 0)
        secret_choose();
    *zeroed = size >= MAPPED_FROM || alignment >= MAPPED_FROM / 2;
    if (*zeroed) {
        void *payload = mapped_allocate(size, alignment);
        if (payload != NULL && kept_commits != NULL)
            kept_fresh(payload, size);
        return payload;
    }
    uint32_t units = units_for(size), wanted = units;
    if (alignment > UNIT)
        wanted += (uint32_t)(alignment / UNIT) + SMALLEST_UNITS;
    struct block *block = list_find(wanted);
    bool is_new = block == NULL;
    if (is_new && (!arena_add(wanted) || (block = list_find(wanted)) == NULL))
        return NULL;
    block_verify(block);
    if (is_whole_arena(block))
        heap.empty_arenas--;
    list_remove(block);
    if (alignment > UNIT)
        block = block_align(block, alignment);
    block_trim(block, units, BLOCK_USED);
    memory_fresh(block, is_new);
    return block + 1;
}

void heap_release(void *payload) {
    struct block *block = block_of(payload);
    memory_is_released();
    if (block->state == BLOCK_MAPPED) {
        size_t bytes = (size_t)block->size * PAGE;
        system_memory_unmap(block - block->previous, bytes);
        return;
    }
    struct block *after = block_after(block), *before = block - block->previous;
    uint32_t size = block->size, previous = block->previous;
    block_verify(after);
    if (after->state == BLOCK_FREE) {
        list_remove(after);
        size += after->size;
        block_set(after, after->size, after->previous, BLOCK_GONE);
        after = block + size;
        block_verify(after);
    }
    if (previous != 0) {
        block_verify(before);
        if (before->state == BLOCK_FREE) {
            list_remove(before);
            block_set(block, block->size, previous, BLOCK_GONE);
            size += before->size;
            previous = before->previous;
            block = before;
        }
    }
    block_set(block, size, previous, BLOCK_FREE);
    block_set(after, after->size, size, after->state);
    if (is_whole_arena(block)) {
        if (heap.empty_arenas > 0) {
            system_memory_unmap(block, ((size_t)block->size + 1) * UNIT);
            return;
        }
        heap.empty_arenas++;
    }
    list_add(block);
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

void heap_fill(void) {
    bool zeroed;
    size_t bytes = ARENA_FIRST / 16 * 15; // the rest is what list_find rounds up by
    unsigned char *all = heap_allocate(bytes, UNIT, &zeroed);
    if (all == NULL)
        return;
    memset(all, 0, bytes);
    heap_release(all);
}

bool heap_resize(void *payload, size_t size) {
    struct block *block = block_of(payload);
    if (block->state == BLOCK_MAPPED)
        return mapped_resize(block, size);
    if (size >= MAPPED_FROM)
        return false;
    memory_is_released();
    uint32_t units = units_for(size);
    if (units > block->size) {
        struct block *after = block_after(block);
        block_verify(after);
        if (after->state != BLOCK_FREE || block->size + after->size < units)
            return false;
        list_remove(after);
        uint32_t joined = block->size + after->size;
        block_set(after, after->size, after->previous, BLOCK_GONE);
        block_set(block, joined, block->previous, BLOCK_USED);
        after = block_after(block);
        block_verify(after);
        block_set(after, after->size, joined, after->state);
    }
    block_trim(block, units, BLOCK_USED);
    return true;
}

size_t heap_usable_size(void *payload) {
    struct block *block = block_of(payload);
    if (block->state == BLOCK_MAPPED)
        return (size_t)block->size * PAGE - ((size_t)block->previous + 1) * UNIT;
    return ((size_t)block->size - 1) * UNIT;
}
