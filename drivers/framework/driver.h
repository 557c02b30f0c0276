// What every driver does with a device that it claimed from `devices`: map its registers, attach its ports,
// have its interrupt set a bit, get memory that the device can reach. Each is one or two calls; used at a
// driver's start.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/protocols/device.h"

// Maps a whole memory object to read and write.
MUST_USE error_t driver_map(cap_t memory, uint64_t length, void **address);

// Maps region `index` of the device. `length` in bytes. ERR_WRONG_KIND: it is a range of ports.
MUST_USE error_t driver_map_region(cap_t device, uint64_t index, volatile void **registers, uint64_t *length);

// Lets this process use the ports of region `index` with port.h. ERR_WRONG_KIND: it is memory.
MUST_USE error_t driver_attach_ports(cap_t device, uint64_t index, uint16_t *first, uint16_t *count);

// Interrupt `index` of the device sets `bits` of the notification from now on, and waits for irq_acknowledge
// each time. `kind`: what is wanted, INTERRUPT_KIND_MESSAGE falls back to a line.
MUST_USE error_t driver_bind_interrupt(cap_t device, uint64_t index, uint64_t kind, cap_t notification, uint64_t bits,
                                       cap_t *irq);

// Lets the line interrupt again. `useful`: the device had a reason to, since the last time; of many in a row without one init is
// to know (a storm).
void driver_acknowledge(cap_t irq, bool useful);

struct driver_memory {
    cap_t memory;
    void *address;
    uint64_t physical, length;
};

// Contiguous, zeroed memory for the device below 4 GiB, mapped. `length`: a multiple of 4,096.
MUST_USE error_t driver_dma_memory(cap_t device, uint64_t length, struct driver_memory *memory);

// The length of memory that a client brings, at least `least` bytes. ERR_INVALID: it is less, or a pager backs it: whoever
// touches that would wait for the client.
MUST_USE error_t driver_client_memory(cap_t memory, uint64_t least, uint64_t *length);

// At a restart: of what the table holds besides what the start lists, keeps what `claimed` says and releases
// the rest.
void driver_reconcile(bool (*claimed)(cap_t slot));
