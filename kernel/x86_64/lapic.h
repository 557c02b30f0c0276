// The local APIC of each CPU, by its registers in memory: end of interrupt, timer, interprocessor interrupts. Every function acts
// on the calling CPU and is called with interrupts off. The loader has turned the first one on. Intel SDM volume 3A, chapter 11.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Once, on the boot CPU. address: of the registers, 0 where there are none.
void lapic_initialize(uint64_t address);
bool lapic_present(void);
// On each CPU. external_interrupts: LINT0 takes interrupts from the PICs (boot CPU of a machine without IOAPIC).
void lapic_enable(bool external_interrupts);
uint32_t lapic_id(void);
void lapic_end_of_interrupt(void);
// Raises a vector, or an NMI, on another CPU.
enum { LAPIC_IPI_NMI = 4 << 8 };
void lapic_ipi(uint32_t apic_id, uint32_t what);
// The timer raises VECTOR_TIMER once. Ticks are of the APIC's own clock, undivided; 0 stops it.
void lapic_timer_start(uint32_t ticks);
// What to program into a device's MSI registers so that the CPU gets the vector (edge, fixed).
void lapic_msi_message(uint32_t apic_id, uint8_t vector, uint64_t *address, uint64_t *data);
