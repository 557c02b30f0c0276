// Formatting and sending lines; see report.h.
#include "servers/init/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/kernel.h"

enum { LINE_BYTES = 240, LEVEL_INFO = 3 };

void report(const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = snprintf(line, sizeof(line), "init: ");
    length += vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
    va_end(arguments);
    if (length >= LINE_BYTES)
        length = LINE_BYTES - 1;
    (void)kernel_log_write(SLOT_KERNEL, LEVEL_INFO, line, (uint64_t)length); // nothing can be done if it fails
}

uint64_t report_time(void) {
    return clock_monotonic();
}
