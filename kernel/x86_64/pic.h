// The pair of 8259A interrupt controllers: always moved to vectors 32..47 and masked, and the whole
// irq_controller of a machine without IOAPIC. Intel 8259A data sheet.
#pragma once

#include "kernel/irq/controller.h"

extern const struct irq_controller pic_controller;

// Remaps both to VECTOR_ISA and masks every line. On any machine: even unused PICs can raise spurious
// interrupts.
void pic_initialize(void);
