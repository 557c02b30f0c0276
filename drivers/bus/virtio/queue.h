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
    bool events;    // VIRTIO_F_EVENT_IDX was taken: each side tells at which chain it wants to be told, once (2.6.7, 2.6.10)
    bool interrupts;
};

// Goes on from what the memory says; zeroed memory is an empty queue.
static inline void virtio_queue_open(struct virtio_queue *queue, void *descriptors, void *available, void *used, uint32_t size,
                                     bool events) {
    *queue =
        (struct virtio_queue){.descriptors = descriptors, .available = available, .used = used, .size = size, .events = events};
    queue->ahead = queue->available->index;
}

// Offers the chain that begins with descriptor `head`; the device sees it after virtio_queue_show.
static inline void virtio_queue_put(struct virtio_queue *queue, uint32_t head) {
    queue->available->ring[queue->ahead % queue->size] = (uint16_t)head;
    queue->ahead++;
}

// True: the device wants to be notified of what it is shown (2.6.13.3, 2.6.13.4).
static inline bool virtio_queue_show(struct virtio_queue *queue) {
    uint16_t before = queue->available->index;
    if (before == queue->ahead)
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue->available->index = queue->ahead;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!queue->events)
        return (queue->used->flags & VIRTIO_USED_NO_NOTIFY) == 0;
    uint16_t wanted = *(const volatile uint16_t *)&queue->used->ring[queue->size];
    return (uint16_t)(wanted - before) < (uint16_t)(queue->ahead - before);
}

// Whether the device interrupts for chains that it uses from number `seen` on.
static inline void virtio_queue_interrupts(struct virtio_queue *queue, bool on, uint16_t seen) {
    queue->interrupts = on;
    if (queue->events)
        queue->available->ring[queue->size] = on ? seen : (uint16_t)(seen - 1);
    else
        queue->available->flags = on ? 0 : VIRTIO_AVAILABLE_NO_INTERRUPT;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// True: nothing was used from number `seen` on, and if interrupts are on, one comes when something is.
static inline bool virtio_queue_is_empty(struct virtio_queue *queue, uint16_t seen) {
    if (queue->used->index != seen)
        return false;
    if (queue->events && queue->interrupts && queue->available->ring[queue->size] != seen)
        virtio_queue_interrupts(queue, true, seen);
    return queue->used->index == seen;
}

// The chain that the device has used as number `seen` (counting from 0, modulo 65,536). False: none yet. An
// id that can't be is size: to be ignored.
static inline bool virtio_queue_take(struct virtio_queue *queue, uint16_t seen, uint32_t *id, uint32_t *length) {
    if (virtio_queue_is_empty(queue, seen))
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const volatile struct virtio_used_element *element = &queue->used->ring[seen % queue->size];
    *id = element->id < queue->size ? element->id : queue->size;
    *length = element->length;
    return true;
}
