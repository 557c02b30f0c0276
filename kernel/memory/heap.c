// The slabs behind heap.h. Each frame starts with its header; who pays and the objects' size are found from an object's address.
#include "kernel/memory/heap.h"

#include "kernel/cap/account.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/x86_64/string.h"

struct slab {
    struct list link;                      // in its account's list of its class while it has a free object
    struct account *account;               // who pays
    void *free;                            // objects that came back; each holds the address of the next
    uint16_t fresh, used, capacity, class; // those that were ever given out, and those that are
};

enum { SLAB_HEADER = 64 };

// The upper classes are chosen so that whole objects fill a frame beside the header.
static const uint16_t class_bytes[HEAP_CLASSES] = {32, 64, 128, 256, 400, 672, 1344, 2016};
static struct list own[HEAP_CLASSES]; // slabs that nobody pays for

static error_t slab_create(struct account *account, uint32_t class, struct list *list) {
    error_t error = account_charge(account, PAGE_BYTES);
    if (error)
        return error;
    uint64_t physical;
    error = frame_allocate(0, FRAME_ANYWHERE, &physical);
    if (error) {
        account_refund(account, PAGE_BYTES);
        return error;
    }
    struct slab *slab = direct_map(physical);
    *slab =
        (struct slab){.account = account, .class = (uint16_t) class, .capacity = (PAGE_BYTES - SLAB_HEADER) / class_bytes[class]};
    list_push_front(list, &slab->link);
    return ERR_OK;
}

error_t heap_allocate(struct account *account, size_t bytes, void **memory) {
    uint32_t class = 0;
    while (class_bytes[class] < bytes)
        class ++;
    struct list *list = account ? &account->slabs[class] : &own[class];
    if (!list->next)
        list_initialize(list);
    if (list_is_empty(list)) {
        error_t error = slab_create(account, class, list);
        if (error)
            return error;
    }
    struct slab *slab = CONTAINER_OF(list_first(list), struct slab, link);
    void **object = slab->free;
    if (object)
        slab->free = *object;
    else
        object = (void **)(void *)((char *)slab + SLAB_HEADER + (size_t)slab->fresh++ * class_bytes[class]);
    if (++slab->used == slab->capacity)
        list_remove(&slab->link);
    *memory = memset(object, 0, class_bytes[class]);
    return ERR_OK;
}

void heap_free(void *memory) {
    struct slab *slab = (struct slab *)((uint64_t)memory & ~(uint64_t)(PAGE_BYTES - 1)); // NOLINT
    struct account *account = slab->account;
    if (slab->used-- == slab->capacity)
        list_push_front(account ? &account->slabs[slab->class] : &own[slab->class], &slab->link);
    *(void **)memory = slab->free;
    slab->free = memory;
    if (slab->used == 0) {
        list_remove(&slab->link);
        frame_free(direct_map_physical(slab), 0);
        account_refund(account, PAGE_BYTES);
    }
}
