// The kernel's log: the last 64 KiB of what the kernel said, each record with its level and time, for the log
// server to read; shown on the early console as well until that is released. Callers hold the kernel lock (or
// run before it exists).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 1, LOG_WARNING = 2, LOG_INFO = 3, LOG_DEBUG = 4 };

enum { LOG_TEXT_BYTES = 256 }; // longest record, NUL included; longer ones are cut

struct log_record {
    uint64_t sequence; // counts from 0, without gaps
    uint64_t time;     // nanoseconds since boot
    uint32_t level;
    uint32_t length; // bytes of text, without a NUL or a line's end
};

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The oldest record from *sequence on, its text cut to size and NUL-terminated; *sequence then names the one
// after it. A caller sees by record->sequence how many it missed. False if there is none yet.
bool log_read(uint64_t *sequence, struct log_record *record, char *text, size_t size);

// Records above the level of the option loglevel= (error, warning, info, debug, or 1 to 4) are kept, but not shown. Before it, and
// without the option: LOG_INFO.
void log_start(void);
void log_set_console_level(enum log_level level);

// Nanoseconds since boot. The log has a weak one that returns 0, used until the clock's file defines it.
uint64_t log_clock(void);
