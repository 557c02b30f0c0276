; Entries of the kernel tests. The program starts like init: rdi is the message page's address. A helper thread's rdi is its
; struct actor. Also the bits of code that tests run or fault on by name.

global _start:function hidden, actor_entry:function hidden, foreign_entry:function hidden, code_return:function hidden
global code_return_end:data hidden, registers_probe:function hidden, signal_probe:function hidden
extern tests_main, start_relocate, actor_main

section .text
_start:
    xor ebp, ebp
    and rsp, -16
    mov r12, rdi
    call start_relocate
    mov rdi, r12
    call tests_main
    ud2

actor_entry:
    xor ebp, ebp
    and rsp, -16
    call actor_main
    ud2

; Where foreign system calls arrive: rcx is the return address, everything else as it was.
foreign_entry:
    mov rax, rcx
    lea rdx, [rdx + rdx]
    jmp rcx

; mov eax, 42; ret - copied into memory by the tests of executable mappings.
code_return:
    mov eax, 42
    ret
code_return_end:

; rdi: address of six words. Makes the system call whose number is in esi with marks in the registers that must survive, and
; stores rbx, rbp, rsp's change and the flags after it.
registers_probe:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    push rdi
    mov eax, esi
    mov edi, 0x7fffffff                 ; no such slot
    mov rbp, 0x1122334455667788
    mov rbx, 0x99aabbccddeeff00
    mov r12, rsp
    push r12
    std
    syscall
    pushfq
    pop rcx
    cld
    pop r12
    sub r12, rsp
    mov rdi, [rsp]
    mov [rdi], rbx
    mov [rdi + 8], rbp
    mov [rdi + 16], r12
    mov [rdi + 24], rcx
    mov [rdi + 32], rax
    pop rdi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

; rdi: slot, rsi: address of 12 words. Signals with marks in all registers and stores what they are afterwards.
signal_probe:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    push rsi
    mov eax, -7
    mov esi, 5
    mov edx, 101
    mov ebx, 102
    mov ebp, 103
    mov r8d, 104
    mov r9d, 105
    mov r10d, 106
    mov r12d, 107
    mov r13d, 108
    mov r14d, 109
    mov r15d, 110
    syscall
    mov rcx, [rsp]
    mov [rcx], rdx
    mov [rcx + 8], rbx
    mov [rcx + 16], rbp
    mov [rcx + 24], r8
    mov [rcx + 32], r9
    mov [rcx + 40], r10
    mov [rcx + 48], r12
    mov [rcx + 56], r13
    mov [rcx + 64], r14
    mov [rcx + 72], r15
    mov [rcx + 80], rsi
    mov [rcx + 88], rax
    pop rsi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

global flags_probe:function hidden
; Started by set_registers: the registers are those of a call, r15 the address of three words, the direction flag is set. Stores
; the flags and rbx after the call.
flags_probe:
    push r15
    cld
    mov rbx, -1
    syscall
    pushfq
    pop rcx
    cld
    pop r15
    mov [r15], rcx
    mov [r15 + 8], rbx
    mov dword [r15 + 16], 1
    hlt                                 ; a fault: it has no keeper and stops
