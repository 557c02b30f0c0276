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
void irq_acknowledge(struct irq *irq);
void irq_deliver(uint8_t vector);
error_t irq_line_count(uint32_t line, uint64_t *count) MUST_USE;
