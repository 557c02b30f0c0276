// Lines go to the kernel's log by a call to the kernel object, which answers at once; the role needs its
// control right. Without it nothing is said, and nothing else changes.
#include "drivers/framework/report.h"

#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"

static const char *role_name = "driver";

void report_set_name(const char *name) {
    role_name = name;
}

void report(enum report_level level, const struct text *text) {
    struct text line = {0};
    text_add(&line, role_name);
    text_add(&line, ": ");
    text_add(&line, text->bytes);
    error_t ignored = kernel_log_write(SLOT_KERNEL, level, line.bytes, line.length);
    (void)ignored;
}

void report_line(enum report_level level, const char *line) {
    struct text text = {0};
    text_add(&text, line);
    report(level, &text);
}

void report_numbers(const char *what, uint64_t first, const char *between, uint64_t second) {
    struct text text = {0};
    text_add(&text, what);
    text_add_number(&text, first);
    text_add(&text, between);
    text_add_number(&text, second);
    report(REPORT_INFORMATION, &text);
}

static const char *error_sentence(error_t error) {
    switch (error) {
#define ERROR_CASE(name, value, sentence)                                                                                        \
    case (value):                                                                                                                \
        return (sentence);
        ERROR_LIST(ERROR_CASE)
#undef ERROR_CASE
    default:
        return "unknown error";
    }
}

void report_failure(const char *line, error_t error) {
    struct text text = {0};
    text_add(&text, line);
    text_add(&text, ": ");
    text_add(&text, error_sentence(error));
    report(REPORT_ERROR, &text);
}
