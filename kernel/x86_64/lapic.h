// The local APIC of each CPU, by memory (xAPIC) or, where the CPU has it, by MSR (x2APIC): end of interrupt,
// timer, interprocessor interrupts. Every function acts on the calling CPU and is called with interrupts off.
// Intel SDM vol. 3A, chapter 11 ("Advanced Programmable Interrupt Controller").
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/platform_info.h"

// Once, on the boot CPU: chooses the mode and maps the registers. ERR_NO_DEVICE: the CPU has none or firmware
// locked it off.
error_t lapic_initialize(void) MUST_USE;
bool lapic_present(void);

// On each CPU. external_interrupts: LINT0 takes interrupts from the PICs (boot CPU of a machine without
// IOAPIC).
void lapic_enable(const struct acpi_information *acpi, bool external_interrupts);

uint32_t lapic_id(void);
void lapic_end_of_interrupt(void);

// The error status register, cleared by reading: on VECTOR_LAPIC_ERROR.
uint32_t lapic_error(void);

// IPIs: what is a vector, or one of these (a start-up needs the real-mode page, address / 4096, added).
enum { LAPIC_IPI_NMI = 4 << 8, LAPIC_IPI_INIT = 5 << 8, LAPIC_IPI_STARTUP = 6 << 8 };
void lapic_ipi(uint32_t apic_id, uint32_t what);
void lapic_ipi_others(uint32_t what); // every CPU but this one

// The timer raises VECTOR_TIMER once. Ticks are of the APIC's own clock, undivided; 0 stops it.
void lapic_timer_start(uint32_t ticks);
uint32_t lapic_timer_left(void);
// With TSC deadline, which lapic_timer_use_deadline turns on for this CPU: the TSC value to fire at; 0 stops
// it.
void lapic_timer_use_deadline(void);
void lapic_timer_deadline(uint64_t tsc);

// What to program into a device's MSI registers so that the CPU gets the vector (edge, fixed).
// ERR_NOT_SUPPORTED: that CPU's id does not fit in a message (it needs interrupt remapping).
error_t lapic_msi_message(uint32_t apic_id, uint8_t vector, uint64_t *address, uint32_t *data) MUST_USE;
