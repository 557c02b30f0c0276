// The slabs behind heap.h. Each frame starts with its header; the objects' size is found from the object's address.
#include "kernel/memory/heap.h"

#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/x86_64/string.h"
#include "kernel/structure/list.h"

struct slab {
    struct list link; // in its class's list while it has a free object
    void *free;       // first free object; each holds the address of the next
    uint16_t used, capacity;
    uint16_t class;
};

enum { SLAB_CLASSES = 8, SLAB_SMALLEST_SHIFT = 5, SLAB_HEADER = 64 };

// The upper classes are chosen so that whole objects fill a frame beside the header.
static const uint16_t class_bytes[SLAB_CLASSES] = {32, 64, 128, 256, 400, 672, 1344, 2016};
static struct list classes[SLAB_CLASSES];
static uint64_t slack_bytes;

static uint32_t class_of(size_t bytes) {
    uint32_t class = 0;
    while (class_bytes[class] < bytes)
        class ++;
    return class;
}

size_t heap_charge(size_t bytes) {
    return class_bytes[class_of(bytes)];
}

static error_t slab_create(uint32_t class, struct slab **out) {
    uint64_t physical;
    error_t error = frame_allocate(0, FRAME_ANYWHERE, &physical);
    if (error)
        return error;
    struct slab *slab = direct_map(physical);
    *slab = (struct slab){.class = (uint16_t) class, .capacity = (PAGE_BYTES - SLAB_HEADER) / class_bytes[class]};
    char *first = (char *)slab + SLAB_HEADER;
    for (uint32_t i = slab->capacity; i-- > 0;) {
        void **object = (void **)(void *)(first + (size_t)i * class_bytes[class]);
        *object = slab->free;
        slab->free = object;
    }
    list_push_front(&classes[class], &slab->link);
    slack_bytes += PAGE_BYTES;
    *out = slab;
    return ERR_OK;
}

error_t heap_allocate(size_t bytes, void **memory) {
    uint32_t class = class_of(bytes);
    struct list *list = &classes[class];
    if (!list->next)
        list_initialize(list);
    struct slab *slab;
    if (list_is_empty(list)) {
        error_t error = slab_create(class, &slab);
        if (error)
            return error;
    } else {
        slab = CONTAINER_OF(list_first(list), struct slab, link);
    }
    void **object = slab->free;
    slab->free = *object;
    if (++slab->used == slab->capacity)
        list_remove(&slab->link);
    slack_bytes -= class_bytes[class];
    memset(object, 0, class_bytes[class]);
    *memory = object;
    return ERR_OK;
}

void heap_free(void *memory) {
    struct slab *slab = (struct slab *)((uint64_t)memory & ~(uint64_t)(PAGE_BYTES - 1)); // NOLINT
    slack_bytes += class_bytes[slab->class];
    if (slab->used-- == slab->capacity)
        list_push_front(&classes[slab->class], &slab->link);
    *(void **)memory = slab->free;
    slab->free = memory;
    if (slab->used == 0) {
        list_remove(&slab->link);
        slack_bytes -= PAGE_BYTES;
        frame_free(direct_map_physical(slab), 0);
    }
}

uint64_t heap_slack_bytes(void) {
    return slack_bytes;
}
