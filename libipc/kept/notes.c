// What clang calls before each store of code compiled with `kept_args` (the outlined checks of its kernel
// address sanitizer), and the functions of the same kind for memory that is moved as a whole: the linker puts
// __wrap_memcpy in front of memcpy. See undo.h. In servers only; this file is compiled without notes of its
// own.
#include <stdbool.h>
#include <stddef.h>

#include "libipc/kept/log.h"

// No aligned store lies in two lines, so one function serves for all sizes.
void __asan_store8_noabort(uintptr_t address);
void __asan_store8_noabort(uintptr_t address) {
    note_store(address);
}

#define NOTE_STORE(bytes) void __asan_store##bytes##_noabort(uintptr_t) __attribute__((alias("__asan_store8_noabort")))
NOTE_STORE(1);
NOTE_STORE(2);
NOTE_STORE(4);

void __asan_store16_noabort(uintptr_t address);
void __asan_store16_noabort(uintptr_t address) {
    kept_note((const void *)address, 16);
}

void __asan_storeN_noabort(uintptr_t address, uint64_t bytes);
void __asan_storeN_noabort(uintptr_t address, uint64_t bytes) {
    kept_note((const void *)address, bytes);
}

void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {}

void *__wrap_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *__wrap_memmove(void *to, const void *from, size_t bytes);
void *__wrap_memset(void *to, int byte, size_t bytes);
void *__real_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *__real_memmove(void *to, const void *from, size_t bytes);
void *__real_memset(void *to, int byte, size_t bytes);

// All of what begins there: nothing lies across the end of the stack or of the window. Frames and rings lie outside of it, and
// are what is copied most.
static bool needs_no_note(const void *place) {
    uintptr_t address = (uintptr_t)place;
    return address - undo.stack_low < undo.stack_bytes || address - (uintptr_t)__ehdr_start >= undo.window;
}

static void note(const void *place, size_t bytes) {
    if (bytes - 1 >= SMALL) {
        kept_note(place, bytes);
        return;
    }
    uint64_t line = (uintptr_t)place >> LINE_SHIFT, last = ((uintptr_t)place + bytes - 1) >> LINE_SHIFT;
    do
        if (undo.lines[line % LINES] != line + undo.mark)
            __asan_store8_noabort(line << LINE_SHIFT);
    while (++line <= last);
}

// Apart, so that the others, who move something on the stack mostly, save no registers.
static __attribute__((noinline)) void *copy_noted(void *restrict to, const void *restrict from, size_t bytes) {
    note(to, bytes);
    return __real_memcpy(to, from, bytes);
}

static __attribute__((noinline)) void *set_noted(void *to, int byte, size_t bytes) {
    note(to, bytes);
    return __real_memset(to, byte, bytes);
}

void *__wrap_memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    return needs_no_note(to) ? __real_memcpy(to, from, bytes) : copy_noted(to, from, bytes);
}

void *kept_copy_unnoted(void *restrict to, const void *restrict from, uint64_t bytes) {
    return __real_memcpy(to, from, bytes);
}

void *kept_set_unnoted(void *to, int byte, uint64_t bytes) {
    return __real_memset(to, byte, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes) {
    if (!needs_no_note(to))
        note(to, bytes);
    return __real_memmove(to, from, bytes);
}

void *__wrap_memset(void *to, int byte, size_t bytes) {
    return needs_no_note(to) ? __real_memset(to, byte, bytes) : set_noted(to, byte, bytes);
}
