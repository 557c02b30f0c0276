; Where a processor starts, in real mode, at the start of a page below 1 MiB; see processors.h. It runs from a copy, so that
; everything is addressed by its distance from the start. From real mode straight to long mode: Intel SDM volume 3A, 9.8.5.
; No stack: all of them may be here at once.

%define CR0_PE_WP_PG 0x80010001
%define CR4_PAE 0x20
%define MSR_EFER 0xc0000080
%define MSR_PAT 0x277
%define EFER_LME_NX 0x900
%define PAT_LOW 0x00070106          ; PAT_WITH_WRITE_COMBINING of main.c
%define PAT_HIGH 0x00070406
%define AT(label) (label - trampoline)

global trampoline_place:function hidden

section .rodata progbits alloc noexec nowrite align=16

bits 16
trampoline:
    cli
    cld
    mov ax, cs
    mov ds, ax
    o32 lgdt [AT(gdt_register)]
    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, [AT(tables)]
    mov cr3, eax
    mov ecx, MSR_EFER
    xor edx, edx
    mov eax, EFER_LME_NX
    wrmsr
    mov ecx, MSR_PAT
    mov edx, PAT_HIGH
    mov eax, PAT_LOW
    wrmsr
    mov eax, CR0_PE_WP_PG
    mov cr0, eax
    o32 jmp far [AT(far_pointer)]

bits 64
long_mode:
    mov eax, 16
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor edi, edi                    ; no boot information: one of the others
    mov rsi, [rel root]
    jmp [rel entry]

align 8
gdt:
    dq 0
    dq 0x00af9b000000ffff           ; 64-bit code, ring 0
    dq 0x00cf93000000ffff           ; data, ring 0
gdt_register:
    dw 23
gdt_base:
    dd AT(gdt)                      ; the page is added to these two
far_pointer:
    dd AT(long_mode)
    dw 8
align 8
tables: dq 0
entry: dq 0
root: dq 0
trampoline_end:

section .text

; trampoline_place(copy: rdi, its physical address: rsi, tables: rdx, entry: rcx, root: r8)
trampoline_place:
    mov r10, rdi
    mov r11, rcx
    mov rax, rsi
    lea rsi, [rel trampoline]
    mov ecx, trampoline_end - trampoline
    rep movsb
    add [r10 + AT(gdt_base)], eax
    add [r10 + AT(far_pointer)], eax
    mov [r10 + AT(tables)], rdx
    mov [r10 + AT(entry)], r11
    mov [r10 + AT(root)], r8
    ret
