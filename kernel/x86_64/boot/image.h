// The addresses that boot/kernel.ld gives names to, and the few that start.asm defines. Before kernel_main
// they are physical, after it virtual: the code is position-independent and asks the CPU where it runs.
#pragma once

#include <stdint.h>

#define BOOT_CONSTANT                                                                                        \
    __attribute__((section(".boot.constants"))) // written by the boot code, read-only afterwards

extern char image_start[];         // page-aligned, as are all that follow except the relocations
extern char image_text_end[];      // start to here: R-X
extern char image_constants_end[]; // to here: R--
extern char image_stack_guard[];   // one page, not mapped
extern char image_end[];           // to here: RW-
extern char image_scratch_end[];   // to here: not mapped, free after boot
extern uint64_t boot_temporary_root[512];

// Leaves the identity mapping for ever: jumps to the virtual copy of the caller's code, loads page_table_root
// and calls boot_continue() there on the empty boot stack. virtual_offset: virtual minus physical address of
// the image.
_Noreturn void boot_switch(uint64_t page_table_root, uint64_t virtual_offset);
