// A static position-independent program's first act: adding its load address to the pointers in its own data. Runs before
// any of them is used. System V ABI for x86-64, chapter 4.4; only R_X86_64_RELATIVE occurs in our programs.
#include <stdint.h>

enum { DT_NULL = 0, DT_RELA = 7, DT_RELASZ = 8 };

struct dynamic {
    int64_t tag;
    uint64_t value;
};

struct relocation {
    uint64_t offset, info;
    int64_t addend;
};

extern const struct dynamic _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden"))); // the linker's: the start of the image

void start_relocate(void);

__attribute__((no_stack_protector)) void start_relocate(void) {
    uint64_t base = (uint64_t)__ehdr_start, table = 0, bytes = 0;
    for (const struct dynamic *entry = _DYNAMIC; entry->tag != DT_NULL; entry++) {
        if (entry->tag == DT_RELA)
            table = entry->value;
        else if (entry->tag == DT_RELASZ)
            bytes = entry->value;
    }
    const struct relocation *each = (const struct relocation *)(base + table); // NOLINT(performance-no-int-to-ptr)
    for (uint64_t i = 0; i < bytes / sizeof(*each); i++)
        *(uint64_t *)(base + each[i].offset) = base + (uint64_t)each[i].addend; // NOLINT(performance-no-int-to-ptr)
}
