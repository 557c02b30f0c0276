// What the kernel tells a keeper: that a program has ended, or that a thread of it took an exception. An
// exception ends the program with the signal that POSIX names for it, and leaves one line in the log:
// program, cause, address.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "servers/process/state.h"
#include "servers/process/text.h"

enum { LOG_LEVEL_WARNING = 2, VECTOR_PAGE_FAULT = 14, PAGE_FAULT_WRITE = 2, PAGE_FAULT_FETCH = 16 };

// Intel SDM volume 3, table 6-1.
static const struct {
    uint32_t signal;
    const char *cause;
} exceptions[32] = {
    [0] = {SIGNAL_FLOATING_POINT, "division error"},
    [1] = {SIGNAL_TRAP, "debug exception"},
    [3] = {SIGNAL_TRAP, "breakpoint"},
    [4] = {SIGNAL_SEGMENT, "overflow"},
    [5] = {SIGNAL_SEGMENT, "bound range exceeded"},
    [6] = {SIGNAL_ILLEGAL, "invalid instruction"},
    [7] = {SIGNAL_ILLEGAL, "floating-point unit not available"},
    [11] = {SIGNAL_BUS, "segment not present"},
    [12] = {SIGNAL_BUS, "stack fault"},
    [13] = {SIGNAL_SEGMENT, "general protection fault"},
    [14] = {SIGNAL_SEGMENT, "page fault"},
    [16] = {SIGNAL_FLOATING_POINT, "floating-point error"},
    [17] = {SIGNAL_BUS, "misaligned access"},
    [19] = {SIGNAL_FLOATING_POINT, "SIMD floating-point error"},
};

static void add_page_fault(struct text *text, const uint64_t *words) {
    uint64_t code = words[FAULT_WORD_CODE];
    text_add(text, code & PAGE_FAULT_FETCH ? " running " : code & PAGE_FAULT_WRITE ? " writing " : " reading ");
    text_add_hex(text, words[FAULT_WORD_ADDRESS]);
}

// Programs lie at random addresses: the offset in the mapped object is what a symbol table can be asked for.
static void add_instruction(struct text *text, const struct program *program, uint64_t address) {
    uint64_t start, length, offset;
    text_add(text, " at instruction ");
    text_add_hex(text, address);
    if (process_region(program->process, address, &start, &length, &offset, NULL) != ERR_OK || start > address)
        return;
    text_add(text, ", offset ");
    text_add_hex(text, address - start + offset);
}

static void report(const struct program *program, const uint64_t *words) {
    struct text text = {0};
    uint64_t vector = words[FAULT_WORD_CAUSE];
    const char *cause = vector < 32 ? exceptions[vector].cause : NULL;
    text_add(&text, "program ");
    text_add(&text, program->name);
    text_add(&text, " (");
    text_add_number(&text, program->id, 10);
    text_add(&text, ") ended by ");
    text_add(&text, cause != NULL ? cause : "exception ");
    if (cause == NULL)
        text_add_number(&text, vector, 10);
    if (vector == VECTOR_PAGE_FAULT)
        add_page_fault(&text, words);
    add_instruction(&text, program, words[FAULT_WORD_RIP]);
    error_t ignored = kernel_log_write(SLOT_KERNEL, LOG_LEVEL_WARNING, text.bytes, text.length);
    (void)ignored; // nothing better can be done with it
}

error_t program_event(struct request *request) {
    struct program *program = badge_program(BADGE_KEEPER, request->badge);
    if (program == NULL)
        return ERR_NO_PROCESS;
    uint64_t vector = request->words[FAULT_WORD_CAUSE];
    uint32_t signal = vector < 32 && exceptions[vector].signal != 0 ? exceptions[vector].signal : SIGNAL_SEGMENT;
    switch (tag_method(request->tag)) {
    case EVENT_EXIT:
        program_end(program, EXIT_KIND_EXITED, (uint32_t)request->words[0] & 0xff);
        return ERR_OK;
    case EVENT_FAULT:
        report(program, request->words);
        program_end(program, EXIT_KIND_FAULTED,
                    signal); // the faulting thread goes with it: nobody gets an answer
        return ERR_OK;
    default:
        return ERR_BAD_METHOD;
    }
}
