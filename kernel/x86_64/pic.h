// The pair of 8259A interrupt controllers as the irq_controller of a machine without IOAPIC. The loader has moved them to vector
// VECTOR_ISA and masked every line. Intel 8259A data sheet.
#pragma once

#include "kernel/irq/irq.h"

extern const struct irq_controller pic_controller;
