// What the loader (boot/loader) found out about the machine and did before it entered the kernel, in one
// fixed structure, which the kernel copies and then only reads. Addresses are physical unless they are said
// to be virtual.
#pragma once

#include <stdint.h>

#include "kernel/abi/platform_info.h"

enum { BOOT_MEMORY_RANGES = 128, BOOT_COMMAND_LINE_BYTES = 1024, BOOT_SEGMENTS = 8 };

enum boot_memory_kind {
    BOOT_MEMORY_FREE = 1,     // usable RAM, page-aligned inwards, not overlapping any other range
    BOOT_MEMORY_RESERVED = 2, // firmware, holes, bad RAM: never touched
    BOOT_MEMORY_KERNEL = 3,   // the kernel's image and its first page tables
    BOOT_MEMORY_INITRD = 4,   // the initrd's pages, and those of init
    BOOT_MEMORY_ACPI = 5,     // ACPI tables (reclaimable and NVS): never reused
};

struct boot_memory_range {
    uint64_t start;  // bytes, page-aligned
    uint64_t length; // bytes, page-aligned
    uint32_t kind;   // enum boot_memory_kind
    uint32_t reserved;
};

// The frame buffer that GRUB set up; as in libipc/protocols/kernel.idl. kind: 0 none, 1 linear RGB, 2 EGA text.
struct boot_framebuffer {
    uint64_t address;
    uint32_t pitch; // bytes per line
    uint32_t width, height, bits_per_pixel, kind;
    uint32_t red_position, red_size, green_position, green_size, blue_position, blue_size, padding;
};

enum boot_isolation { BOOT_ISOLATION_AS_NEEDED, BOOT_ISOLATION_ON, BOOT_ISOLATION_OFF }; // of page tables
enum boot_access { BOOT_WRITE = 1, BOOT_EXECUTE = 2 };                                   // all can be read

// The first program, loaded but not relocated: it does that itself.
struct boot_program {
    uint64_t entry; // offset
    uint32_t segment_count, reserved;
    struct {
        uint64_t physical, offset, bytes; // whole pages
        uint64_t access;                  // enum boot_access
    } segments[BOOT_SEGMENTS];
};

struct boot_info {
    struct boot_memory_range memory[BOOT_MEMORY_RANGES]; // sorted by start, disjoint
    uint32_t memory_count;
    uint32_t from_efi;        // 1 if the firmware is EFI
    uint64_t initrd_start;    // bytes; 0 if there is none
    uint64_t initrd_length;   // bytes, exact
    uint64_t direct_map_base; // virtual: all that is listed above, but RESERVED, appears at base + physical,
                              // RW- (random)
    uint64_t page_table_root; // the kernel's page tables; PML4 slots 384..510 are empty
    uint64_t random_seed[4];  // gathered from RDSEED, RDRAND and TSC, or wholly made from the option seed=N
    uint64_t stack_guard;     // random, with a zero byte, which stops string copies
    uint64_t handover_ticks;  // TSC when GRUB had done its part
    uint64_t wall_seconds;    // since 1970 by the RTC; 0: it gave no valid time
    uint64_t tsc_frequency;   // Hz
    uint64_t lapic_address;   // of the local APIC's registers; 0: there is none
    uint64_t lapic_frequency; // of its timer, Hz
    uint32_t console;         // EARLY_CONSOLE_* of kernel/x86_64/early_console.h: what the kernel may write to
    uint32_t log_level;       // records above it are kept, but not shown
    uint32_t repeatable;      // the option seed=N was given: nothing else may be random
    uint32_t isolation;       // enum boot_isolation
    struct acpi_information acpi;
    struct boot_program init;
    uint64_t framebuffer_virtual; // where the frame buffer (or the EGA text page) is mapped for the kernel; 0
                                  // if none
    struct boot_framebuffer framebuffer;
    char command_line[BOOT_COMMAND_LINE_BYTES]; // NUL-terminated
};
