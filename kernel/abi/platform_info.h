// What the firmware's ACPI tables say about the machine: processors, interrupt wiring, configuration space,
// power registers. Plain data of fixed size without kernel addresses: filled once by boot/loader/acpi.c, then
// only read, by the kernel and by the `devices` server, which is handed a read-only copy. Everything in it
// was bounds-checked when it was read, but is still what the firmware claims. Numbers follow the ACPI
// Specification 6.4, chapter 5.
#pragma once

#include <stdint.h>

enum {
    ACPI_CPUS = 64,
    ACPI_IOAPICS = 16,
    ACPI_ISA_LINES = 16,
    ACPI_ECAM_SEGMENTS = 8,
};

// Bits of acpi_information.flags.
enum {
    ACPI_HAS_MADT = 1 << 0,
    ACPI_HAS_FADT = 1 << 1,
    ACPI_HAS_HPET = 1 << 2,
    ACPI_HAS_MCFG = 1 << 3,
    ACPI_HAS_S5 = 1 << 4,       // sleep_type_a and sleep_type_b are valid
    ACPI_HAS_RESET = 1 << 5,    // reset_register and reset_value are valid
    ACPI_HAS_I8042 = 1 << 6,    // a PS/2 controller may be there (also set where nothing is said)
    ACPI_HAS_8259 = 1 << 7,     // a pair of PICs is there as well (also set where nothing is said)
    ACPI_PM_TIMER_32 = 1 << 8,  // the PM timer counts 32 bits, not 24
    ACPI_CPUS_DROPPED = 1 << 9, // the tables list more processors than fit
    ACPI_TABLES_BAD = 1 << 10,  // a table was left out: its length or checksum is wrong
};

// A register as ACPI names one (generic address structure, 5.2.3.2). address 0: there is none.
struct acpi_register {
    uint64_t address;
    uint8_t space; // 0 memory, 1 I/O port, 2 PCI configuration
    uint8_t bit_width, bit_offset, access_size;
    uint32_t reserved;
};

struct acpi_cpu {
    uint32_t apic_id;
    uint32_t enabled; // 0: can be brought online later, is not usable now
};

struct acpi_ioapic {
    uint64_t address;
    uint32_t gsi_base; // the first line that it serves
    uint32_t id;
};

// Where an ISA interrupt really arrives. Without an override: the line of the same number, edge, active high.
struct acpi_isa_line {
    uint32_t gsi;
    uint8_t level, active_low;
    uint16_t reserved;
};

struct acpi_ecam {
    uint64_t address; // of bus 0's configuration space, even if first_bus is not 0
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved;
};

struct acpi_information {
    uint32_t flags;
    uint32_t cpu_count, ioapic_count, ecam_count;
    uint32_t sci_gsi; // line of ACPI's own interrupt
    uint32_t reserved_word;
    uint64_t hpet_address;
    struct acpi_register pm1a_control, pm1b_control, pm_timer, reset_register;
    uint16_t smi_command_port; // ACPI mode is entered by writing acpi_enable_value there, if both are not 0
    uint8_t acpi_enable_value;
    uint8_t reset_value;
    uint8_t sleep_type_a, sleep_type_b; // SLP_TYP for PM1a and PM1b that turns the machine off
    uint8_t century_register;           // CMOS index of the century; 0: none
    uint8_t reserved;
    struct acpi_cpu cpus[ACPI_CPUS];
    struct acpi_ioapic ioapics[ACPI_IOAPICS];
    struct acpi_isa_line isa_lines[ACPI_ISA_LINES];
    struct acpi_ecam ecams[ACPI_ECAM_SEGMENTS];
};

_Static_assert(sizeof(struct acpi_information) <= 4096, "fits in the page that is handed to the devices server");
