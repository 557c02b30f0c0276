// A ring of records of one size. Record N lies in place N modulo RECORDS; the oldest is given up for the newest. Nothing here
// waits, allocates or can fail.
#include "kernel/debug/log.h"

#include <stdarg.h>

#include "kernel/debug/format.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/early_console.h"

enum { RECORDS = 512 };

static struct log_record records[RECORDS];
static uint64_t next; // sequence number of the record to come
static uint32_t shown_level = LOG_INFO;

static void show(const struct log_record *record) {
    static const char *const names[] = {"", "error: ", "warning: ", "", ""};
    char line[LOG_TEXT_BYTES + 48];
    uint64_t microseconds = record->time / 1000;
    size_t length = format_text(line, sizeof line, "[%5lu.%06lu] %s%s\n", microseconds / 1000000, microseconds % 1000000,
                                names[record->level], record->text);
    early_console_write(line, length);
}

void log_write(enum log_level level, const char *format, ...) {
    struct log_record *record = &records[next % RECORDS];
    *record = (struct log_record){.sequence = next++, .time = clock_now(), .level = (uint32_t)level};
    va_list arguments;
    va_start(arguments, format);
    record->length = (uint32_t)format_text_va(record->text, sizeof record->text, format, arguments);
    va_end(arguments);
    if (level <= shown_level)
        show(record);
}

const struct log_record *log_read(uint64_t sequence) {
    uint64_t first = next > RECORDS ? next - RECORDS : 0;
    sequence = sequence > first ? sequence : first;
    return sequence < next ? &records[sequence % RECORDS] : NULL;
}

void log_start(uint32_t level) {
    shown_level = level;
}
