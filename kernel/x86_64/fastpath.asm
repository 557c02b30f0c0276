; The fast path: `call` and `reply_wait` with a message that fits into registers, between threads without extras but the FPU,
; on one processor. It does what system_call.c, request.c and schedule.c do for such a message, no more and no less; whatever it
; does not expect goes to the slow path before anything was changed. The words travel in their registers, untouched.
;
; Entered from the entry with the kernel's GS, the user's stack, rcx the return address. Scratch: rax rbx rcx r11 r14 r15
; (and rdi, once the slot was looked up); rbp is the user's and is kept for it. It stands here twice: for a machine with one
; processor, and with the kernel lock for one that shares the kernel.
;
; Not done here: charging time (the time that a caller gives is charged to it), request.since (0: not measured), and clearing
; what an idle request names.

%include "layout.inc"

extern slow_entry, kernel_lock_state
global system_call_entry:function hidden, system_call_entry_shared:function hidden, system_call_entry_traced:function hidden

%define CR0_TS 8
%define CR4_GLOBAL 0x80

section .text.hot progbits alloc exec nowrite align=64

%macro take_lock 0
    %if SHARED
    mov eax, 1
    lock xadd [rel kernel_lock_state + LOCK_NEXT], eax
    cmp eax, [rel kernel_lock_state + LOCK_NOW]
    je %%held
%%wait:
    pause
    mov r11, [gs:CPU_MAILBOX]       ; processors_answer
    test r11, r11
    jz %%unasked
    test r11b, 1
    jnz %%kernel
    mov cr3, r11
    jmp %%answered
%%kernel:
    mov r11, cr4
    xor r11, CR4_GLOBAL
    mov cr4, r11
    xor r11, CR4_GLOBAL
    mov cr4, r11
%%answered:
    mov qword [gs:CPU_MAILBOX], 0
%%unasked:
    cmp eax, [rel kernel_lock_state + LOCK_NOW]
    jne %%wait
    inc qword [rel kernel_lock_state + LOCK_WAITS]
%%held:
    %endif
%endmacro

%macro give_lock 0
    %if SHARED
    inc dword [rel kernel_lock_state + LOCK_NOW]
    %endif
%endmacro

; Makes r11 the current thread, in its space, and returns to it with rax = 0 (a message). rdi, rsi, r14, r15 are set.
%macro return_to_r11 0
    mov [gs:CPU_CURRENT], r11
    %if SHARED
    mov rax, [gs:CPU_SELF]
    mov [r11 + T_CPU], rax
    %endif
    mov rax, [r11 + T_ROOT]
    mov rcx, [r11 + T_RIP]          ; before the switch, so that the thread is not touched once more after it
    mov rsp, [r11 + T_RSP]
    mov rbp, [r11 + T_RBP]
    cmp rax, [gs:CPU_ROOT]
    je %%same_space
    mov [gs:CPU_ROOT], rax
    give_lock
    mov cr3, rax
    %if SHARED
    jmp %%in_space
    %endif
%%same_space:
    give_lock
%%in_space:
    xor eax, eax
    xor ebx, ebx
    mov r11d, 0x202
    swapgs
    o64 sysret
%endmacro

; rbx: the current thread. Leaves the address of the slot that edi names in rax, or goes to the label.
%macro look_up 1
    cmp edi, [rbx + T_TABLE_SIZE]
    jae %1
    mov eax, edi
    shl rax, 5
    add rax, [rbx + T_TABLE_SLOTS]
%endmacro

; The slow path finds the registers as the user left them, or zero: nothing of the kernel's stays behind.
%macro leave_fast 1
    give_lock
    mov eax, %1
    xor ebx, ebx
    xor r14d, r14d
    xor r15d, r15d
    mov r11d, 0x202
    jmp slow_entry
%endmacro

; eax: the extras of both threads together, not zero. Only the FPU: a server without one must not touch its caller's registers,
; a caller that comes back finds them where they were.
%macro check_extras 2 ; where to go on, where to go for all else
    test eax, ~EXTRA_FPU
    jnz %2
    test byte [r11 + T_EXTRAS], EXTRA_FPU
    jnz %%owner
    cmp byte [gs:CPU_TRAPPED], 0
    jne %1
    mov byte [gs:CPU_TRAPPED], 1
    mov rax, cr0
    or eax, CR0_TS
    mov cr0, rax
    jmp %1
%%owner:
    cmp r11, [gs:CPU_FPU_OWNER]
    jne %2
    cmp byte [gs:CPU_TRAPPED], 0
    je %1
    mov byte [gs:CPU_TRAPPED], 0
    clts
    jmp %1
%endmacro

%macro fast_path 0
    swapgs
    cmp eax, NUMBER_REPLY_WAIT
    je %%reply_wait
    ja %%call                       ; the only number above
    %if SHARED == 0
    cmp eax, NUMBER_SIGNAL
    je fast_signal
    %endif
    jmp slow_entry

%%slow_call:
    leave_fast NUMBER_CALL
%%slow_reply_wait:
    leave_fast NUMBER_REPLY_WAIT
%%extras_call:
    check_extras %%do_call, %%slow_call
%%extras_reply_wait:
    check_extras %%do_reply, %%slow_reply_wait

align 64
%%call:
    take_lock
    mov rbx, [gs:CPU_CURRENT]
    mov esi, esi
    lea rax, [rsi + (1 << TAG_WORDS_SHIFT)] ; 7 words in registers: not possible
    test rax, MASK_SLOW | ~0xffffffff
    jnz %%slow_call
    test esi, 0xff00                ; protocol 0 is the kernel's own
    jz %%slow_call
    look_up %%slow_call
    cmp dword [rax + C_KIND], C_SESSION
    jne %%slow_call
    mov r14, [rax]                  ; session
    mov r15, [r14 + S_ENDPOINT]
    mov r11, [r15 + E_RECEIVER]
    test r11, r11
    jz %%slow_call
    mov eax, [rbx + T_EXTRAS]
    or eax, [r11 + T_EXTRAS]
    jnz %%extras_call

%%do_call:
    mov qword [r15 + E_RECEIVER], 0
    mov [rbx + T_RIP], rcx
    mov [rbx + T_RSP], rsp
    mov [rbx + T_RBP], rbp
    mov word [rbx + T_STATE], STATE_CALLING ; and not interrupted
    mov byte [r11 + T_STATE], STATE_READY
    mov [rbx + T_REQUEST + R_TAG], rsi
    mov [rbx + T_REQUEST + R_SESSION], r14
    mov [rbx + T_REQUEST + R_SERVER], r11
    mov eax, [rbx + T_CALL_HEAD]    ; served, at its caller's priority
    mov [rbx + T_REQUEST + R_HEAD], eax
    cmp eax, [r11 + T_CALL_HEAD]
    jbe %%own_priority
    mov [r11 + T_CALL_HEAD], eax
%%own_priority:
    mov [r11 + T_CALLER], rbx
    inc dword [r14 + S_HOLDS]
    inc qword [gs:CPU_MESSAGES]
    mov rdi, [r14 + S_BADGE]
    inc qword [rbx + T_REQUEST + R_COUNT]
    mov r14, [rbx + T_REQUEST + R_SERIAL]
    mov r15, [rbx + T_REQUEST + R_COUNT]
    return_to_r11

align 64
%%reply_wait:
    take_lock
    mov rbx, [gs:CPU_CURRENT]
    mov esi, esi
    lea rax, [rsi + (1 << TAG_WORDS_SHIFT)] ; 7 words in registers: not possible
    test rax, MASK_SLOW | ~0xffffffff
    jnz %%slow_reply_wait
    mov r11, [rbx + T_CALLER]
    test r11, r11
    jz %%slow_reply_wait
    look_up %%slow_reply_wait
    cmp dword [rax + C_KIND], C_ENDPOINT
    jne %%slow_reply_wait
    mov r15, [rax]                  ; endpoint
    mov r14, [r15 + E_QUEUED]       ; requests or events, or another that waits
    or r14, [r15 + E_RECEIVER]
    jnz %%slow_reply_wait
    mov al, [r11 + T_EFFECTIVE]
    cmp al, [gs:CPU_TOP]            ; somebody more important became ready
    jb %%slow_reply_wait
    mov r14, [r11 + T_REQUEST + R_SESSION]
    cmp dword [r14 + O_CAPABILITIES], 0 ; then the session may be gone with this request
    je %%slow_reply_wait
    mov eax, [rbx + T_EXTRAS]
    or eax, [r11 + T_EXTRAS]
    jnz %%extras_reply_wait

%%do_reply:
    dec dword [r14 + S_HOLDS]
    mov [rbx + T_RIP], rcx
    mov [rbx + T_RSP], rsp
    mov [rbx + T_RBP], rbp
    xor edi, edi
    xor r14d, r14d
    mov word [rbx + T_STATE], STATE_WAITING ; and not interrupted
    mov byte [r11 + T_STATE], STATE_READY
    mov [r11 + T_REQUEST + R_STATE], dil
    mov [rbx + T_CALLER], rdi
    mov al, [rbx + T_PRIORITY]
    mov [rbx + T_EFFECTIVE], al
    mov [r15 + E_RECEIVER], rbx
    mov [rbx + T_WAITS_AT], r15
    xor r15d, r15d
    return_to_r11
%endmacro

%define SHARED 0
align 64
system_call_entry:
    fast_path

; A signal that finds an empty slot, or bits that are set already, changes nothing. Scratch: rax, r11, and rsp for a time.
align 64
fast_signal:
    mov [gs:CPU_USER_STACK], rsp
    mov rsp, [gs:CPU_CURRENT]
    cmp edi, [rsp + T_TABLE_SIZE]
    jae .empty
    mov eax, edi
    shl rax, 5
    add rax, [rsp + T_TABLE_SLOTS]
    mov r11d, [rax + C_KIND]
    test r11b, r11b
    jz .empty
    cmp r11b, KIND_NOTIFICATION
    jne .slow
    test r11d, RIGHT_SIGNAL << 16
    jz .slow
    mov rax, [rax]
    mov rax, [rax + N_BITS]
    not rax
    test rax, rsi
    jnz .slow
    xor eax, eax
    jmp .return
.empty:
    mov rax, ERROR_BAD_CAPABILITY
.return:
    mov rsp, [gs:CPU_USER_STACK]
    mov r11d, 0x202
    swapgs
    o64 sysret
.slow:
    mov rsp, [gs:CPU_USER_STACK]
    mov eax, NUMBER_SIGNAL
    mov r11d, 0x202
    jmp slow_entry

%define SHARED 1
align 64
system_call_entry_shared:
    fast_path

; While messages or switches are traced, every call takes the slow path, which has the trace points.
align 64
system_call_entry_traced:
    swapgs
    jmp slow_entry
