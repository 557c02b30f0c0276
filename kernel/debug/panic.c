// Prints the broken invariant and a symbolised stack straight to the console, taking the screen and the
// serial line back from user space. Needs no lock, no memory and no pointer that it has not checked; a panic
// within a panic only stops.
#include "kernel/debug/panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include "kernel/debug/format.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/registers.h"

enum { FRAMES_MAX = 32, LINE_BYTES = 320 };

extern char image_start[], image_text_end[]; // boot/kernel.ld

uint64_t __stack_chk_guard;
bool panicked;
_Noreturn void __stack_chk_fail(void);

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void print(const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_text_va(line, sizeof line, format, arguments);
    va_end(arguments);
    early_console_write(line, length);
}

// The function that holds this address: its name, the offset in it, and the address's place in the image. Trusts nothing but the
// table's order. False if the address is not in the kernel's text.
static bool symbol_find(uintptr_t address, const char **name, uint32_t *offset, uint32_t *place) {
    uintptr_t start = (uintptr_t)image_start;
    if (address < start || address >= (uintptr_t)image_text_end)
        return false;
    *place = (uint32_t)(address - start);
    uint32_t low = 0, high = kernel_symbol_count;
    while (low < high) { // the first symbol past the place
        uint32_t middle = low + (high - low) / 2;
        if (kernel_symbol_offsets[middle] <= *place)
            low = middle + 1;
        else
            high = middle;
    }
    *name = low == 0 ? "?" : kernel_symbol_names + kernel_symbol_name_offsets[low - 1];
    *offset = low == 0 ? *place : *place - kernel_symbol_offsets[low - 1];
    return true;
}

static void print_location(uintptr_t instruction) {
    const char *name;
    uint32_t offset, place;
    if (symbol_find(instruction, &name, &offset, &place))
        print("    %s+0x%x (kernel+0x%x)\n", name, offset, place);
    else
        print("    outside the kernel's text\n"); // no address: it would tell where the kernel lies
}

static _Noreturn void finish(uintptr_t instruction, uintptr_t frame, const char *invariant, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static _Noreturn void finish(uintptr_t instruction, uintptr_t frame, const char *invariant, va_list arguments) {
    char text[LINE_BYTES];
    if (__atomic_exchange_n(&panicked, true, __ATOMIC_SEQ_CST))
        cpu_stop();
    early_console_seize();
    format_text_va(text, sizeof text, invariant, arguments);
    print("\nkernel panic: %s\n", text);
    print_location(instruction);
    for (int i = 0; i < FRAMES_MAX && stack_trace_next(&frame, &instruction); i++)
        print_location(instruction - 1); // a return address may lie past the end of its function
    processors_stop();
    print("The system is stopped.\n");
    cpu_stop();
}

_Noreturn void panic(const char *invariant, ...) {
    va_list arguments;
    va_start(arguments, invariant);
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0), instruction = (uintptr_t)__builtin_return_address(0), skipped;
    stack_trace_next(&frame, &skipped);
    finish(instruction - 1, frame, invariant, arguments);
}

_Noreturn void panic_at(uintptr_t instruction, uintptr_t frame, const char *invariant, ...) {
    va_list arguments;
    va_start(arguments, invariant);
    finish(instruction, frame, invariant, arguments);
}

_Noreturn void __stack_chk_fail(void) {
    panic("the guard word of a stack frame was overwritten");
}
