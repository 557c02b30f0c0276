// What clang calls before each store of code compiled with `kept_args` (the outlined checks of its kernel
// address sanitizer), and the functions of the same kind for memory that is moved as a whole: the linker puts
// __wrap_memcpy in front of memcpy. See undo.h. In servers only; this file is compiled without notes of its
// own.
#include <stddef.h>

#include "libipc/kept/log.h"

#define NOTE_STORE(bytes, type)                                                                                                  \
    void __asan_store##bytes##_noabort(uintptr_t address);                                                                       \
    void __asan_store##bytes##_noabort(uintptr_t address) {                                                                      \
        if (__builtin_expect(address - (uintptr_t)__ehdr_start >= undo.window, 0) ||                                             \
            address - undo.stack_low < undo.stack_bytes)                                                                         \
            return;                                                                                                              \
        uint64_t *entry = undo.next;                                                                                             \
        if (__builtin_expect(entry > undo.stop, 0)) {                                                                            \
            kept_note((const void *)address, bytes);                                                                             \
            return;                                                                                                              \
        }                                                                                                                        \
        entry[0] = *(const type *)address;                                                                                       \
        entry[1] = (address | (uint64_t)(bytes) << LENGTH_SHIFT) * ENTRY_SEAL;                                                   \
        barrier();                                                                                                               \
        undo.next = entry + STORE_WORDS;                                                                                         \
        barrier();                                                                                                               \
    }
NOTE_STORE(1, uint8_t)
NOTE_STORE(2, uint16_t)
NOTE_STORE(4, uint32_t)
NOTE_STORE(8, uint64_t)

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

void *__wrap_memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    kept_note(to, bytes);
    return __real_memcpy(to, from, bytes);
}

void *kept_copy_unnoted(void *restrict to, const void *restrict from, uint64_t bytes) {
    return __real_memcpy(to, from, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes) {
    kept_note(to, bytes);
    return __real_memmove(to, from, bytes);
}

void *__wrap_memset(void *to, int byte, size_t bytes) {
    kept_note(to, bytes);
    return __real_memset(to, byte, bytes);
}
