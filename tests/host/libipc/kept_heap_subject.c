// A server's use of its heap: blocks of many sizes allocated, written to, resized and released. Compiled as servers are, together
// with the heap itself; kept_heap_test.c stops it at every store.
#include "tests/host/libipc/kept_heap_subject.h"

#include <string.h>

#include "libc/internal/heap.h"
#include "libipc/kept/undo.h"

struct heap_subject heap_subject;

static bool all_are(const struct heap_slot *slot, size_t bytes, unsigned char mark) {
    size_t i = 0;
    while (i < bytes && slot->bytes[i] == mark)
        i++;
    return i == bytes;
}

static size_t size_of(uint64_t choice) {
    switch (choice % 32) {
    case 0:
        return 256 * 1024 + choice / 32 % 4096; // a mapping of its own
    case 1:
    case 2:
    case 3:
        return choice / 32 % 20000;
    default:
        return choice / 32 % (choice % 3 == 0 ? 1100 : 200);
    }
}

// Some of the bytes one by one: what the compiler notes, where memset is noted as a whole.
static void mark(struct heap_slot *slot, uint64_t value) {
    slot->mark = value & 0xff;
    size_t head = slot->size < 24 ? slot->size : 24;
    for (volatile size_t i = 0; i < head; i++)
        slot->bytes[i] = (unsigned char)value;
    memset(slot->bytes + head, (unsigned char)value, slot->size - head);
}

static bool allocate(struct heap_slot *slot, uint64_t choice) {
    bool zeroed = choice % 2 == 0;
    size_t alignment = choice / 2 % 8 == 0 ? 64 : HEAP_ALIGNMENT;
    slot->size = size_of(choice / 16);
    slot->bytes = zeroed ? heap_allocate_zeroed(slot->size) : heap_allocate(slot->size, alignment);
    if (slot->bytes == NULL || (zeroed && !all_are(slot, slot->size, 0)))
        return false;
    mark(slot, choice >> 40);
    return true;
}

static bool resize(struct heap_slot *slot, uint64_t choice) {
    size_t size = size_of(choice);
    if (!heap_resize(slot->bytes, size))
        return true;
    bool whole = all_are(slot, slot->size < size ? slot->size : size, (unsigned char)slot->mark);
    slot->size = size;
    mark(slot, choice >> 40);
    return whole;
}

bool heap_subject_step(uint64_t choice) {
    struct heap_slot *slot = &heap_subject.slots[choice % HEAP_SLOTS];
    choice /= HEAP_SLOTS;
    if (slot->bytes == NULL)
        return allocate(slot, choice);
    if (!all_are(slot, slot->size, (unsigned char)slot->mark))
        return false;
    switch (choice % 4) {
    case 0:
        mark(slot, choice >> 40);
        return true;
    case 1:
        return resize(slot, choice / 4);
    default:
        heap_release(slot->bytes);
        slot->bytes = NULL;
        return true;
    }
}

unsigned heap_subject_apart(void) {
    void *blocks[HEAP_SLOTS];
    unsigned apart = 0;
    for (unsigned i = 0; i < HEAP_SLOTS; i++) {
        blocks[i] = heap_allocate(i % 2 == 0 ? 200 : 40, i % 2 == 0 ? 1024 : HEAP_ALIGNMENT);
        apart += i % 2 != 0 && ((uintptr_t)blocks[i] - HEAP_ALIGNMENT) % KEPT_LINE_BYTES != 0;
    }
    for (unsigned i = 0; i < HEAP_SLOTS; i++)
        heap_release(blocks[i]);
    return apart;
}

bool heap_subject_check(void) {
    for (const struct heap_slot *slot = heap_subject.slots; slot < heap_subject.slots + HEAP_SLOTS; slot++)
        if (slot->bytes != NULL && !all_are(slot, slot->size, (unsigned char)slot->mark))
            return false;
    return true;
}
