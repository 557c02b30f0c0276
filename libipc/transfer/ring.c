// See ring.h. Ordering: an entry is written before `produced` is released and read after it was acquired; the
// same for `consumed`. Sleeping sets the idle flag first and looks once more, with a full fence between, and
// the other side moves its position first and looks at the flag then: so no signal is lost, and none is sent
// while the other is awake.
#include "libipc/transfer/ring.h"

#include <stddef.h>

uint64_t ring_bytes(uint32_t entries, uint32_t entry_bytes) {
    if (entries == 0 || entries > RING_ENTRIES_MAX || (entries & (entries - 1)) != 0 || entry_bytes == 0 ||
        entry_bytes > RING_ENTRY_BYTES_MAX)
        return 0;
    return sizeof(struct ring_shared) + (uint64_t)entries * entry_bytes;
}

static uint32_t load(const uint32_t *place) {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *place, uint32_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

static void fence(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static error_t attach(struct ring *ring, void *memory, uint64_t length, uint32_t entries, uint32_t entry_bytes) {
    uint64_t needed = ring_bytes(entries, entry_bytes);
    if (needed == 0 || needed > length || (uintptr_t)memory % RING_LINE_BYTES != 0)
        return ERR_INVALID;
    *ring = (struct ring){.shared = memory,
                          .data = (unsigned char *)memory + sizeof(struct ring_shared),
                          .entries = entries,
                          .entry_bytes = entry_bytes};
    return ERR_OK;
}

error_t ring_attach_producer(struct ring *ring, void *memory, uint64_t length, uint32_t entries, uint32_t entry_bytes) {
    error_t error = attach(ring, memory, length, entries, entry_bytes);
    if (error != ERR_OK)
        return error;
    ring->position = load(&ring->shared->produced);
    ring->other = load(&ring->shared->consumed);
    return ring->position - ring->other > entries ? ERR_CORRUPT : ERR_OK;
}

error_t ring_attach_consumer(struct ring *ring, void *memory, uint64_t length, uint32_t entries, uint32_t entry_bytes) {
    error_t error = attach(ring, memory, length, entries, entry_bytes);
    if (error != ERR_OK)
        return error;
    ring->position = load(&ring->shared->consumed);
    ring->other = load(&ring->shared->produced);
    return ring->other - ring->position > entries ? ERR_CORRUPT : ERR_OK;
}

// Takes the other side's position if it can be true: it only moves forward, and never past this side's limit.
static void producer_refresh(struct ring *ring) {
    uint32_t told = load(&ring->shared->consumed);
    if (ring->position - told > ring->position - ring->other)
        ring->broken = true;
    else
        ring->other = told;
}

static void consumer_refresh(struct ring *ring) {
    uint32_t told = load(&ring->shared->produced);
    uint32_t filled = told - ring->position;
    if (filled > ring->entries || filled < ring->other - ring->position)
        ring->broken = true;
    else
        ring->other = told;
}

uint32_t ring_room(struct ring *ring) {
    producer_refresh(ring);
    return ring->broken ? 0 : ring->entries - (ring->position - ring->other);
}

error_t ring_push(struct ring *ring, const void *entry) {
    if (ring->position - ring->other == ring->entries && !ring->broken && ring_room(ring) == 0 && !ring->broken) {
        __atomic_store_n(&ring->shared->producer_idle, 1, __ATOMIC_RELAXED);
        fence();
        if (ring_room(ring) == 0 && !ring->broken)
            return ERR_AGAIN;
    }
    if (ring->broken)
        return ERR_CORRUPT;
    __builtin_memcpy(ring_entry(ring, ring->position), entry, ring->entry_bytes);
    ring->position++;
    return ERR_OK;
}

error_t ring_push_again(struct ring *ring, uint32_t count) {
    if (ring_room(ring) < count)
        return ring->broken ? ERR_CORRUPT : ERR_AGAIN;
    ring->position += count;
    return ERR_OK;
}

// Moves the own position, then tells whether the other side sleeps.
static bool tell(uint32_t *place, uint32_t position, uint32_t *idle) {
    if (__atomic_load_n(place, __ATOMIC_RELAXED) == position)
        return false;
    store(place, position);
    fence();
    return __atomic_load_n(idle, __ATOMIC_RELAXED) != 0 && __atomic_exchange_n(idle, 0, __ATOMIC_ACQ_REL) != 0;
}

bool ring_publish(struct ring *ring) {
    return tell(&ring->shared->produced, ring->position, &ring->shared->consumer_idle);
}

uint32_t ring_filled(struct ring *ring) {
    consumer_refresh(ring);
    return ring->broken ? 0 : ring->other - ring->position;
}

error_t ring_pop(struct ring *ring, void *entry) {
    if (ring->position == ring->other && !ring->broken && ring_filled(ring) == 0 && !ring->broken)
        return ERR_AGAIN;
    if (ring->broken)
        return ERR_CORRUPT;
    __builtin_memcpy(entry, ring_entry(ring, ring->position), ring->entry_bytes);
    ring->position++;
    return ERR_OK;
}

uint32_t ring_drain(struct ring *ring) {
    uint32_t filled = ring_filled(ring);
    ring->position += filled;
    return filled;
}

bool ring_release(struct ring *ring) {
    return tell(&ring->shared->consumed, ring->position, &ring->shared->producer_idle);
}

bool ring_sleep(struct ring *ring) {
    __atomic_store_n(&ring->shared->consumer_idle, 1, __ATOMIC_RELAXED);
    fence();
    return ring_filled(ring) == 0;
}

void ring_drop(struct ring *ring) {
    __atomic_store_n(&ring->shared->dropped, ring->shared->dropped + 1, __ATOMIC_RELAXED);
}
