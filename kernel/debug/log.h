// The kernel's log: the last 512 things that the kernel said, each with its level and time, for the log server to read; shown on
// the early console as well until that is released. Callers hold the kernel lock (or run before it exists).
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 1, LOG_WARNING = 2, LOG_INFO = 3, LOG_DEBUG = 4 };

enum { LOG_TEXT_BYTES = 256 }; // longest record, NUL included; longer ones are cut

struct log_record {
    uint64_t sequence;      // counts from 0, without gaps
    uint64_t time;          // nanoseconds since boot
    uint32_t level, length; // bytes of text, without a NUL or a line's end
    char text[LOG_TEXT_BYTES];
};

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The oldest record from `sequence` on, or NULL if there is none yet. A caller sees by record->sequence how many it missed.
const struct log_record *log_read(uint64_t sequence);
// Records above this level are kept, but not shown. Before: LOG_INFO.
void log_start(uint32_t level);
