; From GRUB's 32-bit protected mode to 64-bit C, and from there to the kernel.
; Everything is addressed relative to where the image was loaded: nothing here is relocated. Interrupts stay off.

%define LOADER_MAGIC 0x36d76289     ; multiboot2 2.0, section 3.2: in EAX
%define COM1 0x3f8
%define VGA_TEXT 0xb8000
%define PRESENT_WRITE 3
%define HUGE_PAGE 0x80
%define CR0_PE_WP_PG 0x80010001
%define CR4_PAE 0x20
%define MSR_EFER 0xc0000080
%define EFER_LME 0x100
%define SELECTOR_CODE 8
%define SELECTOR_DATA 16
%define STACK_BYTES 16384

global loader_entry:function hidden, loader_enter:function hidden, loader_root:data hidden
extern loader_main

section .text.boot progbits alloc exec nowrite align=16

bits 32
loader_entry:
    cli
    cld
    mov esi, eax
    lea esp, [ebx + 8]              ; no stack is promised; the information's reserved word (offset 4) takes one push
    cmp esi, LOADER_MAGIC
    je .locate
    mov esp, 0x7000                 ; nothing is known about this loader: low memory is the best guess
.locate:
    call .here
.here:
    pop ebp
    cmp esi, LOADER_MAGIC
    mov edi, message_loader - .here
    jne fail

    lea eax, [ebp + scratch_distance - .here]
    mov edx, [eax]
    lea eax, [eax + edx]            ; loader_root
    lea edx, [ebp + stack_distance - .here]
    mov esp, [edx]
    add esp, edx                    ; top of the boot stack

    pushfd                          ; CPUID exists if EFLAGS.ID can be changed
    pop ecx
    mov edx, ecx
    xor ecx, 1 << 21
    push ecx
    popfd
    pushfd
    pop ecx
    xor ecx, edx
    mov edi, message_long_mode - .here
    test ecx, 1 << 21
    jz fail
    mov esi, eax
    push ebx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb .no_long_mode
    mov eax, 0x80000001
    cpuid
    bt edx, 29                      ; LM
    jnc .no_long_mode
    pop ebx

    ; Temporary tables: the first 4 GiB one to one, in 2 MiB pages. esi: root, then its PDPT, then four PDs.
    lea eax, [esi + 4096 + PRESENT_WRITE]
    mov [esi], eax
    lea edi, [esi + 4096]
    mov ecx, 4
.directory:
    add eax, 4096
    mov [edi], eax
    add edi, 8
    loop .directory
    lea edi, [esi + 8192]
    mov eax, PRESENT_WRITE | HUGE_PAGE
    mov ecx, 2048
.page:
    mov [edi], eax
    add edi, 8
    add eax, 0x200000
    loop .page

    mov eax, cr4
    or eax, CR4_PAE
    mov cr4, eax
    mov cr3, esi
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, CR0_PE_WP_PG
    mov cr0, eax

    lea eax, [ebp + gdt - .here]
    push eax
    push word gdt_end - gdt - 1
    o32 lgdt [esp]
    add esp, 6
    push dword SELECTOR_CODE
    lea eax, [ebp + long_mode - .here]
    push eax
    retf

.no_long_mode:
    mov edi, message_long_mode - .here

; Writes the sentence at ebp + edi to COM1 and to the text screen, and stops. Destroys everything.
fail:
    lea esi, [ebp + edi]
    mov edi, VGA_TEXT
.next:
    mov ecx, 100000                 ; a port without a UART must not hang us
    mov edx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    loopz .wait
    lodsb
    test al, al
    jz .stop
    mov edx, COM1
    out dx, al
    cmp al, ' '
    jb .next
    mov ah, 0x4f
    stosw
    jmp .next
.stop:
    hlt
    jmp .stop

message_loader: db 'Keelson must be started by a multiboot2 loader, such as GRUB 2.', 13, 10, 0
message_long_mode: db 'Keelson needs a 64-bit (x86-64) processor.', 13, 10, 0

align 8
gdt:
    dq 0
    dq 0x00af9b000000ffff           ; 64-bit code, ring 0
    dq 0x00cf93000000ffff           ; data, ring 0
gdt_end:
scratch_distance: dd loader_root - $
stack_distance: dd stack_top - $

bits 64
long_mode:
    mov eax, SELECTOR_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    lea rsp, [rel stack_top]
    xor ebp, ebp                    ; ends stack traces
    mov edi, ebx
    call loader_main
    ud2

; loader_enter(boot information: rdi, page-table root: rsi, entry: rdx)
loader_enter:
    jmp rdx

section .bss nobits alloc noexec write align=4096
loader_root:
    resb 6 * 4096
    resb STACK_BYTES
stack_top:
