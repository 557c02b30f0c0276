; setjmp, longjmp and sigsetjmp (C17 7.13): the registers that a call preserves (System V ABI 3.2.1), the stack pointer as it will
; be after the return, and the return address. The buffer's layout is that of jmp_buf in <setjmp.h>.
bits 64
default rel

section .text progbits alloc exec nowrite align=16
global setjmp:function hidden
global _setjmp:function hidden
global longjmp:function hidden
global _longjmp:function hidden
global sigsetjmp:function hidden
extern __sigsetjmp_mask

setjmp:
_setjmp:
    call save_registers
    xor eax, eax
    ret

; int sigsetjmp(sigjmp_buf buffer, int save_mask): the mask is kept by C code, which returns 0 to our caller.
sigsetjmp:
    call save_registers
    jmp __sigsetjmp_mask

; Saves the state of the caller's caller at rdi.
save_registers:
    mov [rdi], rbx
    mov [rdi + 8], rbp
    mov [rdi + 16], r12
    mov [rdi + 24], r13
    mov [rdi + 32], r14
    mov [rdi + 40], r15
    lea rax, [rsp + 16]
    mov [rdi + 48], rax
    mov rax, [rsp + 8]
    mov [rdi + 56], rax
    ret

; longjmp(buffer, value): setjmp returns value, or 1 in place of 0.
longjmp:
_longjmp:
    mov eax, esi
    cmp eax, 1
    adc eax, 0
    mov rbx, [rdi]
    mov rbp, [rdi + 8]
    mov r12, [rdi + 16]
    mov r13, [rdi + 24]
    mov r14, [rdi + 32]
    mov r15, [rdi + 40]
    mov rsp, [rdi + 48]
    jmp [rdi + 56]

section .note.GNU-stack noalloc noexec nowrite progbits
