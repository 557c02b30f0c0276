// All IOAPICs of the machine as one irq_controller, its lines named by GSI. Intel 82093AA data sheet.
#pragma once

#include "kernel/abi/errors.h"
#include "kernel/abi/platform_info.h"
#include "kernel/irq/irq.h"

extern const struct irq_controller ioapic_controller;

// Maps every IOAPIC and masks every line. ISA lines get the vectors VECTOR_ISA and up. False: the tables name none that answers.
bool ioapic_initialize(const struct acpi_information *acpi);
// The PIT sends an NMI to every processor `rate` times in a second (20 to 10,000; 0: no more). ERR_INVALID, ERR_NOT_SUPPORTED.
error_t ioapic_sample(uint64_t rate) MUST_USE;
