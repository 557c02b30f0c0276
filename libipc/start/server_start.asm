; Entry of a server: rdi is the address of its startup block. Relocates itself, accepts the block, runs server_main; a server
; that returns has exited with what it returned. An actor that finds the memory of the one before (RESTART_MEMORY) is
; relocated already, and goes on in its loop.
IS_RESTART equ 104 ; offset in struct startup
RESTART_MEMORY equ 2

global _start:function hidden
extern start_relocate, server_start, server_start_again

section .text
_start:
    xor ebp, ebp
    and rsp, -16
    mov r12, rdi
    cmp dword [rdi + IS_RESTART], RESTART_MEMORY
    je .again
    call start_relocate
    mov rdi, r12
    call server_start
    ud2
.again:
    call server_start_again
    ud2
