// The driver's side of a split virtqueue (Virtio 1.1, 2.6), over memory that the caller provides. Which
// descriptors are in use is the caller's to know. Pure: host tests run it against a model of the device.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus/virtio/registers.h"

enum { VIRTIO_QUEUE_MOST = 256 }; // descriptors of one queue

struct virtio_queue {
    volatile struct virtio_descriptor *descriptors;
    volatile struct virtio_available *available;
    volatile struct virtio_used *used;
    uint32_t size;  // descriptors, a power of two
    uint16_t ahead; // as available->index, with what was put and not yet shown
};

// Goes on from what the memory says; zeroed memory is an empty queue.
static inline void virtio_queue_open(struct virtio_queue *queue, void *descriptors, void *available, void *used, uint32_t size) {
    *queue = (struct virtio_queue){.descriptors = descriptors, .available = available, .used = used, .size = size};
    queue->ahead = queue->available->index;
}

// Offers the chain that begins with descriptor `head`; the device sees it after virtio_queue_show.
static inline void virtio_queue_put(struct virtio_queue *queue, uint32_t head) {
    queue->available->ring[queue->ahead % queue->size] = (uint16_t)head;
    queue->ahead++;
}

// True: the device wants to be notified of what it is shown (2.6.13.3, 2.6.13.4).
static inline bool virtio_queue_show(struct virtio_queue *queue) {
    if (queue->available->index == queue->ahead)
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue->available->index = queue->ahead;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return (queue->used->flags & VIRTIO_USED_NO_NOTIFY) == 0;
}

// The chain that the device has used as number `seen` (counting from 0, modulo 65,536). False: none yet. An
// id that can't be is size: to be ignored.
static inline bool virtio_queue_take(const struct virtio_queue *queue, uint16_t seen, uint32_t *id, uint32_t *length) {
    if (queue->used->index == seen)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const volatile struct virtio_used_element *element = &queue->used->ring[seen % queue->size];
    *id = element->id < queue->size ? element->id : queue->size;
    *length = element->length;
    return true;
}

static inline void virtio_queue_interrupts(struct virtio_queue *queue, bool on) {
    queue->available->flags = on ? 0 : VIRTIO_AVAILABLE_NO_INTERRUPT;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
