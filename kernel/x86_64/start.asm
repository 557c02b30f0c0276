; Where the loader enters the kernel: at its final address, in 64-bit mode, interrupts off, both halves mapped.
; rdi: struct boot_info, or 0 on every processor but the first; rsi: physical address of the page tables to live on.

%include "layout.inc"

global kernel_entry:function hidden
extern kernel_main, boot_tables, processor_enter, processor_wanted

section .text
kernel_entry:
    mov cr3, rsi
    xor ebp, ebp                    ; ends stack traces
    test rdi, rdi
    jz .other
    lea rsp, [rel boot_tables + KERNEL_STACK_BYTES]
    call kernel_main
    ud2

.other:                             ; without a stack, until processors.c calls for this one by its APIC id
    mov eax, 1
    cpuid
    shr ebx, 24
.wait:
    pause
    mov rdi, [rel processor_wanted]
    test rdi, rdi
    jz .wait
    cmp [rdi + CPU_APIC_ID], ebx
    jne .wait
    mov rsp, [rdi + CPU_KERNEL_STACK]
    call processor_enter
    ud2
