// A byte ring of records. Invariant: tail <= head <= tail + RING_BYTES, both count bytes since boot, and a
// record starts at tail; the oldest records are given up for new ones. Nothing here waits, allocates or can
// fail.
#include "kernel/debug/log.h"

#include <stdarg.h>

#include "kernel/debug/format.h"
#include "kernel/init/options.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/string.h"

enum { RING_BYTES = 65536 };

static uint8_t ring[RING_BYTES];
static uint64_t ring_tail, ring_head;
static uint64_t sequence_next, sequence_first;
static enum log_level console_level = LOG_INFO;

__attribute__((weak)) uint64_t log_clock(void) {
    return 0;
}

static void ring_write(const void *from, size_t length) {
    size_t at = ring_head % RING_BYTES;
    size_t first = length < RING_BYTES - at ? length : RING_BYTES - at;
    memcpy(ring + at, from, first);
    memcpy(ring, (const uint8_t *)from + first, length - first);
    ring_head += length;
}

static void ring_read(uint64_t position, void *to, size_t length) {
    size_t at = position % RING_BYTES;
    size_t first = length < RING_BYTES - at ? length : RING_BYTES - at;
    memcpy(to, ring + at, first);
    memcpy((uint8_t *)to + first, ring, length - first);
}

static void ring_make_room(size_t length) {
    while (ring_head + length - ring_tail > RING_BYTES) {
        struct log_record oldest;
        ring_read(ring_tail, &oldest, sizeof oldest);
        ring_tail += sizeof oldest + oldest.length;
        sequence_first++;
    }
}

static void show(const struct log_record *record, const char *text) {
    static const char *const names[] = {"", "error: ", "warning: ", "", ""};
    char line[LOG_TEXT_BYTES + 48];
    uint64_t microseconds = record->time / 1000;
    size_t length =
        format_text(line, sizeof line, "[%5llu.%06llu] %s%s\n", (unsigned long long)(microseconds / 1000000),
                    (unsigned long long)(microseconds % 1000000), names[record->level], text);
    early_console_write(line, length);
}

void log_write(enum log_level level, const char *format, ...) {
    char text[LOG_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_text_va(text, sizeof text, format, arguments);
    va_end(arguments);
    struct log_record record = {sequence_next++, log_clock(), (uint32_t)level, (uint32_t)length};
    ring_make_room(sizeof record + length);
    ring_write(&record, sizeof record);
    ring_write(text, length);
    if (level <= console_level)
        show(&record, text);
}

bool log_read(uint64_t *sequence, struct log_record *record, char *text, size_t size) {
    uint64_t position = ring_tail;
    if (*sequence < sequence_first)
        *sequence = sequence_first;
    while (position < ring_head) {
        ring_read(position, record, sizeof *record);
        position += sizeof *record;
        if (record->sequence >= *sequence) {
            size_t length = record->length < size ? record->length : size - 1;
            ring_read(position, text, size != 0 ? length : 0);
            if (size != 0)
                text[length] = '\0';
            *sequence = record->sequence + 1;
            return true;
        }
        position += record->length;
    }
    return false;
}

void log_set_console_level(enum log_level level) {
    console_level = level;
}

void log_start(void) {
    static const char letters[] = "ewid";
    char value[16];
    if (!options_get("loglevel", value, sizeof value))
        return;
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
        if (value[0] == letters[level - 1] || value[0] == '0' + level)
            log_set_console_level((enum log_level)level);
}
