; All ways into the kernel and the one way out. A system call or an interrupt from user mode saves the registers into the
; current thread, runs C on the processor's only kernel stack, and return_to_user loads whatever thread is current then.
; Interrupts are off in the kernel except in the idle loop, whose interrupts return to it.

%include "layout.inc"
%define PROGRAM_ROOT 4096           ; behind the root: paging.h

extern system_call, interrupt_from_user, interrupt_from_kernel, kernel_lock_state, paging_isolated
global slow_entry:function hidden, system_call_entry_isolated:function hidden, entry_stubs:data hidden, return_to_user:function hidden

; The general registers but those that each entry has moved already, to the thread at %1.
%macro save_registers 1
    mov [%1 + T_RDX], rdx
    mov [%1 + T_R8], r8
    mov [%1 + T_R9], r9
    mov [%1 + T_R10], r10
    mov [%1 + T_R12], r12
    mov [%1 + T_R13], r13
    mov [%1 + T_RDI], rdi
    mov [%1 + T_RSI], rsi
    mov [%1 + T_RBX], rbx
    mov [%1 + T_RBP], rbp
    mov [%1 + T_RCX], rcx
    mov [%1 + T_R11], r11
    mov [%1 + T_R14], r14
    mov [%1 + T_R15], r15
%endmacro

section .text.hot progbits alloc exec nowrite align=64

; Where programs run on page tables of their own: every call takes the slow path.
align 64
system_call_entry_isolated:
    swapgs
    mov [gs:CPU_USER_STACK], rsp
    mov rsp, [gs:CPU_ROOT]
    mov cr3, rsp
    mov rsp, [gs:CPU_USER_STACK]

; From the entry in fastpath.asm, with the kernel's GS. rcx: return address, r11: flags. The registers that a call may change
; need no saving for the user's sake, but the message and SYS_SIGNAL's promise need them all but rcx and r11.
slow_entry:
    mov [gs:CPU_USER_STACK], rsp
    mov rsp, [gs:CPU_CURRENT]
    save_registers rsp
    mov [rsp + T_RAX], rax
    mov [rsp + T_RIP], rcx
    mov [rsp + T_RFLAGS], r11
    mov byte [rsp + T_INTERRUPTED], 0
    mov rdi, rsp
    mov rax, [gs:CPU_USER_STACK]
    mov [rdi + T_RSP], rax
    mov rsp, [gs:CPU_KERNEL_STACK]
    xor ebp, ebp
    call system_call
    ; falls through

; The lock is given back before the page tables are switched: that takes longer than all the rest. Nobody changes a thread
; that runs.
return_to_user:
    mov rsp, [gs:CPU_CURRENT]
    inc dword [rel kernel_lock_state + LOCK_NOW]
    mov rax, [gs:CPU_LOAD_ROOT]
    test rax, rax
    jz .in_space
    mov qword [gs:CPU_LOAD_ROOT], 0
    mov cr3, rax
.in_space:
    mov rdx, [rsp + T_RDX]
    mov r8, [rsp + T_R8]
    mov r9, [rsp + T_R9]
    mov r10, [rsp + T_R10]
    mov r12, [rsp + T_R12]
    mov r13, [rsp + T_R13]
    mov rax, [rsp + T_RAX]
    mov rdi, [rsp + T_RDI]
    mov rsi, [rsp + T_RSI]
    mov rbx, [rsp + T_RBX]
    mov rbp, [rsp + T_RBP]
    mov r14, [rsp + T_R14]
    mov r15, [rsp + T_R15]
    cmp byte [rsp + T_INTERRUPTED], 0
    jne .whole
    mov rcx, [rsp + T_RIP]          ; canonical: user mode can't reach the end of its half
    mov rsp, [rsp + T_RSP]
    cmp byte [rel paging_isolated], 0
    je .to_call
    mov r11, [gs:CPU_ROOT]
    add r11, PROGRAM_ROOT
    mov cr3, r11
.to_call:
    mov r11d, 0x202
    swapgs
    o64 sysret

.whole:
    mov rcx, rsp
    mov rsp, [gs:CPU_KERNEL_STACK]
    push USER_SS
    push qword [rcx + T_RSP]
    push qword [rcx + T_RFLAGS]
    push USER_CS
    push qword [rcx + T_RIP]
    mov r11, [rcx + T_R11]
    mov rcx, [rcx + T_RCX]
    cmp byte [rel paging_isolated], 0
    je .to_program
    push rax
    mov rax, [gs:CPU_ROOT]
    add rax, PROGRAM_ROOT
    mov cr3, rax
    pop rax
.to_program:
    swapgs
    iretq

section .text

; One stub of 16 bytes per vector: a zero where the processor pushes no error code, then the vector.
align 16
entry_stubs:
%assign vector 0
%rep 256
    align 16
    %if !(vector = 8 || (vector >= 10 && vector <= 14) || vector = 17 || vector = 21 || vector = 29 || vector = 30)
    push 0
    %endif
    push vector
    jmp near interrupt_entry
%assign vector vector + 1
%endrep

; Stack: vector, error code, rip, cs, rflags, rsp, ss.
align 16
interrupt_entry:
    test byte [rsp + 24], 3
    jz .kernel
    swapgs
    push rax
    cmp byte [rel paging_isolated], 0
    je .in_kernel
    mov rax, [gs:CPU_ROOT]
    mov cr3, rax
.in_kernel:
    mov rax, [gs:CPU_CURRENT]
    save_registers rax
    mov byte [rax + T_INTERRUPTED], 1
    pop qword [rax + T_RAX]
    pop rsi                         ; vector
    pop rdx                         ; error code
    pop qword [rax + T_RIP]
    add rsp, 8
    pop qword [rax + T_RFLAGS]
    pop qword [rax + T_RSP]
    mov rdi, rax
    mov rsp, [gs:CPU_KERNEL_STACK]
    xor ebp, ebp
    cld
    call interrupt_from_user
    jmp return_to_user

.kernel:                            ; the idle loop, or something that must never happen
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    lea rdi, [rsp + 72]             ; the frame, from the vector on
    mov rsi, rbp
    cld
    call interrupt_from_kernel
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq
