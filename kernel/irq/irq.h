// Irq objects: an interrupt line or message vector on its way to a driver's notification. Several objects may share a
// line: it is silent until every live one has acknowledged (a level by being masked, a second edge by being kept back); a
// dead one is counted out. Invariant: a vector's `pending` is the number of its irqs with `pending` set.
#pragma once

#include "kernel/cap/object.h"
#include "kernel/ipc/notification.h"

enum { IRQ_MESSAGE_LINE = 0xffffffff };

struct irq {
    struct object object;
    struct list link;                  // vector's irqs
    struct notification *notification; // referenced, or NULL
    uint64_t bits;
    uint32_t line; // global number, or IRQ_MESSAGE_LINE
    uint8_t vector;
    bool pending;
};

error_t irq_create_line(struct account *account, uint32_t line, bool level, bool active_low, struct irq **out) MUST_USE;
error_t irq_create_message(struct account *account, struct irq **out, uint64_t *address, uint64_t *data) MUST_USE;
void irq_bind(struct irq *irq, struct notification *notification, uint64_t bits);
// True: an interrupt was waiting for it.
bool irq_acknowledge(struct irq *irq);
void irq_deliver(uint8_t vector);
error_t irq_line_count(uint32_t line, uint64_t *count) MUST_USE;

// The one interface to whichever interrupt controller the machine has. A line is named by its GSI; with the PIC alone, GSI and
// ISA number are the same. Invariant: a line is masked until it was routed and unmasked. Called under the kernel lock.
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
