// A virtio device behind PCI: finding its register structures, and the steps of its start (Virtio 1.1, 3.1).
// A library for drivers; knows nothing of what the device does.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus/virtio/registers.h"
#include "kernel/abi/errors.h"

// Where a structure is: in which BAR, and its bytes.
struct virtio_place {
    uint32_t bar, offset, length;
};

struct virtio_places {
    struct virtio_place structures[VIRTIO_STRUCTURES]; // by enum virtio_structure; length 0: not there
    uint32_t notify_multiplier;
};

struct virtio {
    volatile void *common, *notify, *isr, *device;
    uint32_t notify_bytes, notify_multiplier, device_bytes;
};

// Reads the capabilities by `read`, `width` bytes at `offset` of configuration space. The first of each kind
// counts. ERR_NOT_SUPPORTED: one is missing, or too small: a device of before version 1.
MUST_USE error_t virtio_find(uint32_t (*read)(const void *context, uint32_t offset, uint32_t width), const void *context,
                             struct virtio_places *places);

// No access to memory any more when it returns. ERR_IO: it did not come to rest.
MUST_USE error_t virtio_reset(const struct virtio *virtio);

// After a reset: takes of the features offered those in `wanted`; VERSION_1 is needed. ERR_NOT_SUPPORTED.
MUST_USE error_t virtio_features(const struct virtio *virtio, uint64_t wanted, uint64_t *taken);

// Most descriptors of a queue; 0: there is no such queue.
uint32_t virtio_queue_size(const struct virtio *virtio, uint32_t index);

// Sets a queue up with the physical addresses of its parts. `vector`: 0, or VIRTIO_NO_VECTOR. *notify: where
// to write the queue's number to notify the device. ERR_IO: it did not take the vector, or the place of
// `notify` can't be.
MUST_USE error_t virtio_queue_enable(const struct virtio *virtio, uint32_t index, uint32_t size, uint64_t descriptors,
                                     uint64_t available, uint64_t used, uint32_t vector, uint32_t *notify);
// The same place for a queue that is set up already.
MUST_USE error_t virtio_queue_notify_place(const struct virtio *virtio, uint32_t index, uint32_t *notify);

// The device goes to work.
void virtio_begin(const struct virtio *virtio);
bool virtio_is_working(const struct virtio *virtio);
