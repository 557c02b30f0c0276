; The multiboot2 header (specification 2.0, section 3.1): says what the kernel wants from the loader. It must lie within
; the first 32 KiB of the file, so the linker script puts it at the start of the text.

%define MULTIBOOT2_MAGIC 0xe85250d6
%define ARCHITECTURE_I386 0
%define OPTIONAL 1

section .multiboot progbits alloc noexec nowrite align=8

header:
    dd MULTIBOOT2_MAGIC
    dd ARCHITECTURE_I386
    dd header_end - header
    dd -(MULTIBOOT2_MAGIC + ARCHITECTURE_I386 + (header_end - header))

    align 8
    dw 5, OPTIONAL          ; frame buffer: 1024x768, 32 bits
    dd 20
    dd 1024, 768, 32

    align 8
    dw 4, OPTIONAL          ; console: EGA text is supported as well
    dd 12
    dd 2

    align 8
    dw 6, OPTIONAL          ; modules start on a page
    dd 8

    align 8
    dw 10, OPTIONAL         ; relocatable: anywhere from 2 MiB, on a 2 MiB boundary, as low as possible
    dd 24
    dd 0x200000, 0xffffffff, 0x200000, 1

    align 8
    dw 0, 0
    dd 8
header_end:
