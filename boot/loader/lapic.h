// The local APIC of the processor that the loader runs on, by its registers in memory: enough to measure its timer and to
// start the other processors. Intel SDM volume 3A, chapter 11.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LAPIC_INIT = 5 << 8, LAPIC_STARTUP = 6 << 8 }; // the latter with the number of a page below 1 MiB added

// Turns it on, in the form with registers in memory. Their physical address, or 0 if there is none.
uint64_t lapic_open(void);
uint32_t lapic_id(void);
// Sets the timer off, masked, to count down from `ticks`; 0 stops it.
void lapic_timer_start(uint32_t ticks);
uint32_t lapic_timer_left(void);
// Sends an interrupt of one of the kinds above to another processor.
void lapic_send(uint32_t apic_id, uint32_t what);
