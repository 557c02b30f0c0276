// A model of the devices that the kernel's hardware code talks to: time passes with every access, and only
// so. Behind the ports and registers of model/kernel/x86_64.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/platform_info.h"
#include "boot/loader/rtc.h"

struct machine {
    unsigned __int128 time; // nanoseconds
    uint64_t tsc_frequency;
    uint64_t stall_at, stall_length; // the host takes the CPU away once, at this time, for so long
    bool counters_stuck;
    uint64_t port_time; // nanoseconds that an access to a port takes
    uint64_t rtc_start; // seconds since 1970 at time 0
    uint8_t rtc_format; // register B
};

struct pic_model {
    uint8_t vector_base, mask, in_service, requests, initialize_step;
    bool read_in_service;
};

extern struct machine machine;
extern struct pic_model pics[2];
extern uint8_t edge_level[2];
extern uint32_t redirections[2][2 * 24];

// As if just switched on; ACPI information that names all of it.
void machine_reset(struct acpi_information *acpi);

// A device raises an ISA line for a moment. The vector that the CPU gets, -1 if none.
int machine_interrupt(uint32_t line);
// The same, gone again before the CPU asks for the vector.
int machine_interrupt_vanishing(uint32_t line);
