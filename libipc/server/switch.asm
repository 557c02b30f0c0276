; Switching between the stacks of fibers. Only what the calling convention asks a function to keep is saved: servers use
; general registers alone. Called by libipc/server/fiber.c.
bits 64
default rel
section .text

; void fiber_switch(void **save, void *load): saves the stack pointer of this context, goes on in the other.
global fiber_switch:function hidden
fiber_switch:
        push rbp
        push rbx
        push r12
        push r13
        push r14
        push r15
        mov [rdi], rsp
        mov rsp, rsi
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbx
        pop rbp
        ret

; Where a new fiber's first switch returns to. fiber_prepare left the fiber in rbx; the stack is aligned to 16 bytes.
global fiber_enter:function hidden
extern fiber_body
fiber_enter:
        mov rdi, rbx
        xor ebp, ebp
        call fiber_body
        ud2

section .note.GNU-stack noalloc noexec nowrite progbits
