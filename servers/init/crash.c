// Walking the dead actor's stack by its frame pointers, which all our code keeps; see crash.h. The stack is the dead
// program's word: every step must go up, and there are at most 16.
#include "servers/init/crash.h"

#include <stdio.h>

#include "kernel/abi/message.h"
#include "libipc/protocols/process.h"
#include "servers/init/report.h"

enum { FRAMES_MAX = 16, PLACE_BYTES = 80 };

static const char *cause_name(uint64_t vector) {
    static const char *const names[] = {
        [0] = "division by zero", [1] = "debug trap",       [3] = "breakpoint",         [4] = "overflow",
        [5] = "bound exceeded",   [6] = "invalid instruction", [7] = "FPU used by a program built without it",
        [13] = "protection fault", [14] = "page fault",     [16] = "FPU exception",     [17] = "unaligned access",
        [19] = "SIMD exception"};
    if (vector < sizeof(names) / sizeof(names[0]) && names[vector])
        return names[vector];
    return "exception";
}

static const char *place(const struct role *role, uint64_t address, char *text) {
    uint64_t offset = 0;
    const char *name = image_symbol(&role->image, address, &offset);
    if (name)
        (void)snprintf(text, PLACE_BYTES, "%s+0x%llx", name, (unsigned long long)offset);
    else
        (void)snprintf(text, PLACE_BYTES, "0x%llx", (unsigned long long)address);
    return text;
}

void crash_report(const struct role *role, const uint64_t *words) {
    char text[PLACE_BYTES];
    uint64_t frame = words[FAULT_WORD_RBP];
    report("%s crashed: %s at %s, address 0x%llx, code %llx", role->entry->name, cause_name(words[FAULT_WORD_CAUSE]),
           place(role, words[FAULT_WORD_RIP], text), (unsigned long long)words[FAULT_WORD_ADDRESS],
           (unsigned long long)words[FAULT_WORD_CODE]);
    for (uint32_t depth = 0; depth < FRAMES_MAX && frame && frame % 8 == 0; depth++) {
        uint64_t pair[2], count; // saved rbp, return address
        if (process_peek(role->process, frame, pair, sizeof(pair), &count) || count != sizeof(pair) || !pair[1])
            break;
        report("  called from %s", place(role, pair[1] - 1, text));
        if (pair[0] <= frame)
            break;
        frame = pair[0];
    }
}
