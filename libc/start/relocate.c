// Applies the relocations of a static position-independent program, which is loaded at any address: all are
// of the kind "base plus addend" (ELF for x86-64, System V ABI 4.4.1). Runs before anything else, so it uses
// no address that itself needs relocating. Doing it twice does no harm.
#include <stdint.h>

#include "libc/internal/relocate.h"

enum { DYNAMIC_END = 0, DYNAMIC_RELA = 7, DYNAMIC_RELA_SIZE = 8, RELOCATION_RELATIVE = 8 };

struct dynamic_entry {
    int64_t tag;
    uint64_t value;
};

struct relocation {
    uint64_t offset;
    uint64_t info;
    int64_t addend;
};

// Made by the linker; hidden, so their addresses are relative to the code.
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const struct dynamic_entry _DYNAMIC[] __attribute__((visibility("hidden")));

void program_relocate(void) {
    uintptr_t base = (uintptr_t)__ehdr_start;
    const struct relocation *relocations = (const struct relocation *)base;
    uint64_t size = 0;
    for (const struct dynamic_entry *entry = _DYNAMIC; entry->tag != DYNAMIC_END; entry++) {
        if (entry->tag == DYNAMIC_RELA)
            relocations = (const struct relocation *)(base + entry->value);
        else if (entry->tag == DYNAMIC_RELA_SIZE)
            size = entry->value;
    }
    for (uint64_t i = 0; i < size / sizeof *relocations; i++) {
        if ((uint32_t)relocations[i].info != RELOCATION_RELATIVE)
            __builtin_trap(); // the linker put in something that nobody here understands
        *(uint64_t *)(base + relocations[i].offset) = base + (uint64_t)relocations[i].addend;
    }
}
