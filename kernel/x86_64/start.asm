; Where the loader enters the kernel: at its final address, in 64-bit mode, interrupts off, both halves mapped.
; rdi: struct boot_info, rsi: physical address of the page tables to live on.

%define STACK_BYTES 16384

global kernel_entry:function hidden
extern kernel_main

section .text
kernel_entry:
    mov cr3, rsi
    lea rsp, [rel stack_top]
    xor ebp, ebp                    ; ends stack traces
    call kernel_main
    ud2

section .stack nobits alloc noexec write align=4096
    resb STACK_BYTES
stack_top:
