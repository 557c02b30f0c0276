; Entry of init: rdi is the message page's address. The image relocates itself (R_X86_64_RELATIVE only: it is a static PIE).

global _start:function hidden
extern init_main, start_relocate

section .text
_start:
    xor ebp, ebp
    and rsp, -16
    mov r12, rdi
    call start_relocate
    mov rdi, r12
    call init_main
    ud2
