; The first instruction of every program. The entry state is the system layer's (system_start in libc/internal/system.h): rdi is the
; argument the process was started with, rsp its stack.
bits 64
default rel

section .text progbits alloc exec nowrite align=16
global _start:function hidden
extern __libc_start

_start:
    xor ebp, ebp                ; the outermost frame, for whoever walks the stack
    mov rsi, rsp
    and rsp, -16
    call __libc_start
    ud2

section .note.GNU-stack noalloc noexec nowrite progbits
