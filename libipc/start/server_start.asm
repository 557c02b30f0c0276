; Entry of a server: rdi is the address of its startup block. Relocates itself, accepts the block, runs server_main; a server
; that returns has exited with what it returned.

global _start:function hidden
extern start_relocate, server_start

section .text
_start:
    xor ebp, ebp
    and rsp, -16
    mov r12, rdi
    call start_relocate
    mov rdi, r12
    call server_start
    ud2
