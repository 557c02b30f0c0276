// What the boot code found out about the machine before the kernel proper runs, in one fixed structure,
// filled once by kernel/x86_64/boot from the multiboot2 information and only read afterwards. All addresses
// are physical; the strings and arrays are copies inside this structure, so the loader's memory can be reused
// except the ranges marked here.
#pragma once

#include <stdint.h>

enum { BOOT_MEMORY_RANGES = 128, BOOT_COMMAND_LINE_BYTES = 1024 };

enum boot_memory_kind {
    BOOT_MEMORY_FREE = 1,     // usable RAM, page-aligned inwards, not overlapping any other range
    BOOT_MEMORY_RESERVED = 2, // firmware, holes, bad RAM: never touched
    BOOT_MEMORY_KERNEL = 3,   // the kernel's image, boot page tables and boot stack
    BOOT_MEMORY_INITRD = 4,   // the initrd's pages
    BOOT_MEMORY_ACPI = 5,     // ACPI tables (reclaimable and NVS): readable, never reused
};

struct boot_memory_range {
    uint64_t start;  // bytes, page-aligned
    uint64_t length; // bytes, page-aligned
    uint32_t kind;   // enum boot_memory_kind
    uint32_t reserved;
};

// The frame buffer that the loader set up. kind: 0 none, 1 linear RGB, 2 EGA text.
struct boot_framebuffer {
    uint64_t address;
    uint32_t pitch; // bytes per line
    uint32_t width, height;
    uint8_t bits_per_pixel;
    uint8_t kind;
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
};

struct boot_info {
    struct boot_memory_range memory[BOOT_MEMORY_RANGES]; // sorted by start, disjoint
    uint32_t memory_count;
    uint32_t from_efi;      // 1 if the firmware is EFI
    uint64_t initrd_start;  // bytes; 0 if there is none
    uint64_t initrd_length; // bytes, exact
    uint64_t acpi_rsdp;     // address of the RSDP copy in this structure's memory; 0 if none
    uint8_t acpi_rsdp_copy[36];
    uint32_t reserved;
    uint64_t kernel_physical; // where the image starts in physical memory
    uint64_t kernel_virtual;  // where the image starts in kernel space (random)
    uint64_t kernel_length;   // bytes, page-aligned
    uint64_t direct_map_base; // virtual: all RAM and ACPI ranges listed here appear at base + physical, RW-
                              // (random)
    uint64_t page_table_root; // physical: the boot page tables; PML4 slots 384..510 are empty
    uint64_t random_seed[4];  // gathered from RDSEED, RDRAND and TSC, or wholly made from the option seed=N
    uint64_t framebuffer_virtual; // where the frame buffer (or the EGA text page) is mapped for the kernel; 0
                                  // if none
    struct boot_framebuffer framebuffer;
    char command_line[BOOT_COMMAND_LINE_BYTES]; // NUL-terminated
};
