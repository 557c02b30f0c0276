; The fast path: `call` and `reply_wait` with a message that fits into registers, between threads of one processor without
; extras. It does what system_call.c, request.c and schedule.c do for such a message, no more and no less; whatever it does not
; expect goes to the slow path before anything was changed. The words travel in their registers, untouched.
;
; Entered from system_call_entry with the kernel's GS, the user's stack, rcx the return address. Scratch: rax rbx rcx r11 r14 r15
; (and rdi, once the slot was looked up); rbp is the user's and is kept for it.
;
; Not done here: charging time (the time that a caller gives is charged to it) and request.since (0: not measured).

%include "layout.inc"

extern slow_entry, message_count, switch_count, run_queue_top
global fast_call:function hidden, fast_reply_wait:function hidden

section .text

; Makes r11 the current thread, in its space, and returns to it with rax = 0 (a message). rdi, rsi, r14, r15 are set.
%macro return_to_r11 0
    mov [gs:CPU_CURRENT], r11
    mov rax, [r11 + T_ROOT]
    cmp rax, [gs:CPU_ROOT]
    je %%same_space
    mov [gs:CPU_ROOT], rax
    inc qword [rel switch_count]
    mov cr3, rax
%%same_space:
    mov rcx, [r11 + T_RIP]
    mov rsp, [r11 + T_RSP]
    mov rbp, [r11 + T_RBP]
    xor eax, eax
    xor ebx, ebx
    mov r11d, 0x202
    swapgs
    o64 sysret
%endmacro

; rbx: the current thread. Leaves to r15 the slot that edi names, or goes to the label.
%macro look_up 1
    mov r15, [rbx + T_PROCESS]
    cmp edi, [r15 + P_SIZE]
    jae %1
    mov eax, edi
    shl rax, 5
    add rax, [r15 + P_SLOTS]
    mov r15, rax
%endmacro

; The slow path finds the registers as the user left them, or zero: nothing of the kernel's stays behind.
%macro leave_fast 1
    mov eax, %1
    xor ebx, ebx
    xor r14d, r14d
    xor r15d, r15d
    mov r11d, 0x202
    jmp slow_entry
%endmacro

slow_call:
    leave_fast NUMBER_CALL
slow_reply_wait:
    leave_fast NUMBER_REPLY_WAIT

align 64
fast_call:
    mov rbx, [gs:CPU_CURRENT]
    lea eax, [rsi + (1 << TAG_WORDS_SHIFT)] ; 7 words in registers: not possible
    or eax, esi
    test eax, MASK_SLOW & 0xffffffff
    jnz slow_call
    test esi, 0xff00                    ; protocol 0 is the kernel's own
    jz slow_call
    look_up slow_call
    cmp dword [r15 + C_KIND], C_SESSION
    jne slow_call
    mov r14, [r15]                      ; session
    mov r15, [r14 + S_ENDPOINT]
    mov r11, [r15 + E_RECEIVERS]        ; the first that waits
    lea rax, [r15 + E_RECEIVERS]
    cmp r11, rax
    je slow_call
    sub r11, T_QUEUE
    mov eax, [rbx + T_EXTRAS]
    or eax, [r11 + T_EXTRAS]
    jnz slow_call

    mov [rbx + T_RIP], rcx
    mov byte [rbx + T_INTERRUPTED], 0
    mov [rbx + T_RSP], rsp
    mov [rbx + T_RBP], rbp
    mov rcx, [r11 + T_QUEUE]            ; out of the receivers
    mov rax, [r11 + T_QUEUE + 8]
    mov [rax], rcx
    mov [rcx + 8], rax
    mov byte [rbx + T_STATE], STATE_CALLING
    mov byte [r11 + T_STATE], STATE_READY
    mov esi, esi
    mov [rbx + T_REQUEST + R_TAG], rsi
    mov [rbx + T_REQUEST + R_SESSION], r14
    mov [rbx + T_REQUEST + R_SERVER], r11
    movzx eax, byte [rbx + T_EFFECTIVE]
    cmp al, [r11 + T_EFFECTIVE]         ; the server runs at its caller's priority, if that is higher
    jbe .own_priority
    mov [r11 + T_EFFECTIVE], al
.own_priority:
    shl eax, 16
    or eax, STATE_SERVED << 8
    mov [rbx + T_REQUEST + R_HEAD], eax
    lea rax, [rbx + T_REQUEST]
    mov [r11 + T_SERVING], rax
    inc dword [r14 + S_HOLDS]
    inc qword [rel message_count]
    mov rdi, [r14 + S_BADGE]
    mov r15, [rbx + T_REQUEST + R_COUNT]
    mov r14, [rbx + T_REQUEST + R_SERIAL]
    inc r15
    mov [rbx + T_REQUEST + R_COUNT], r15
    return_to_r11

align 64
fast_reply_wait:
    mov rbx, [gs:CPU_CURRENT]
    lea eax, [rsi + (1 << TAG_WORDS_SHIFT)] ; 7 words in registers: not possible
    or eax, esi
    test eax, MASK_SLOW & 0xffffffff
    jnz slow_reply_wait
    mov r14, [rbx + T_SERVING]
    test r14, r14
    jz slow_reply_wait
    mov eax, [r14 + R_HEAD]
    test eax, 0xff0000ff                ; a thread's call, which nobody gives up
    jnz slow_reply_wait
    look_up slow_reply_wait
    cmp dword [r15 + C_KIND], C_ENDPOINT
    jne slow_reply_wait
    mov r15, [r15]                      ; endpoint
    cmp qword [r15 + E_QUEUED], 0       ; requests or events
    jne slow_reply_wait
    mov rax, [r15 + E_NOTIFICATION]
    test rax, rax
    jz .no_signal
    cmp qword [rax + N_BITS], 0
    jne slow_reply_wait
.no_signal:
    lea r11, [r14 - T_REQUEST]          ; the caller
    mov eax, [rbx + T_EXTRAS]
    or eax, [r11 + T_EXTRAS]
    jnz slow_reply_wait
    mov al, [r11 + T_EFFECTIVE]
    cmp al, [rel run_queue_top]         ; somebody more important became ready
    jb slow_reply_wait
    mov rax, [r14 + R_SESSION]
    cmp dword [rax + O_CAPABILITIES], 0 ; then the session may be gone with this request
    je slow_reply_wait
    dec dword [rax + S_HOLDS]

    mov [rbx + T_RIP], rcx
    mov byte [rbx + T_INTERRUPTED], 0
    mov [rbx + T_RSP], rsp
    mov [rbx + T_RBP], rbp
    xor eax, eax
    mov byte [r14 + R_STATE], al
    mov [r14 + R_SESSION], rax
    mov [r14 + R_SERVER], rax
    mov [rbx + T_SERVING], rax
    mov byte [rbx + T_STATE], STATE_WAITING
    mov byte [r11 + T_STATE], STATE_READY
    mov al, [rbx + T_PRIORITY]
    mov [rbx + T_EFFECTIVE], al
    lea rdi, [rbx + T_QUEUE]            ; behind the other receivers
    lea rcx, [r15 + E_RECEIVERS]
    mov rax, [rcx + 8]
    mov [rdi], rcx
    mov [rdi + 8], rax
    mov [rax], rdi
    mov [rcx + 8], rdi
    mov esi, esi
    xor edi, edi
    xor r14d, r14d
    xor r15d, r15d
    return_to_r11
