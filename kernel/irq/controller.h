// The one interface to whichever interrupt controller the machine has. A line is named by its GSI; with the PIC alone, GSI and ISA
// number are the same. Invariant: a line is masked until it was routed and unmasked. irq.c calls it, under the kernel lock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

struct irq_controller {
    const char *name;
    // Ties a line to a vector, on the calling CPU, masked. Repeating it gives the same vector. ERR_INVALID: no such line;
    // ERR_NO_SPACE: no vector is left; ERR_NOT_SUPPORTED: the hardware cannot.
    error_t (*route)(uint32_t line, bool level, bool active_low, uint8_t *vector);
    void (*mask)(uint32_t line, bool masked);
    // First thing on a device interrupt. false: it was spurious, nothing may be delivered, no end of interrupt is due.
    bool (*accept)(uint8_t vector);
    // Due once per accepted interrupt of any vector (MSI, timer and IPIs too), on the CPU that took it.
    void (*end_of_interrupt)(uint8_t vector);
};

extern const struct irq_controller *irq_controller; // chosen once at boot

// A vector for MSI or a line. ERR_NO_SPACE if all are taken.
error_t irq_vector_allocate(uint8_t *vector) MUST_USE;
