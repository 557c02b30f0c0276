// Messages and the reaction to corruption. Invariant: a damaged disk costs at most 200 log lines per mount.
// Called by the whole core.
#include "servers/ext2/message.h"

#include <stdarg.h>

enum { MESSAGE_BYTES = 200, MESSAGES_MAX = 200 };

static char *number_put(char *out, const char *end, uint64_t value) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count && out < end)
        *out++ = digits[--count];
    return out;
}

static void message_format(char *out, const char *format, va_list arguments) {
    const char *end = out + MESSAGE_BYTES - 1;
    for (; *format && out < end; format++) {
        if (*format != '%') {
            *out++ = *format;
            continue;
        }
        switch (*++format) {
        case 'u':
            out = number_put(out, end, va_arg(arguments, uint32_t));
            break;
        case 'q':
            out = number_put(out, end, va_arg(arguments, uint64_t));
            break;
        case 'd': {
            int32_t value = va_arg(arguments, int32_t);
            if (value < 0 && out < end)
                *out++ = '-';
            out = number_put(out, end, value < 0 ? 0 - (uint64_t)(int64_t)value : (uint64_t)value);
            break;
        }
        case 's':
            for (const char *text = va_arg(arguments, const char *); *text && out < end; text++)
                *out++ = *text;
            break;
        default:
            break;
        }
    }
    *out = 0;
}

static void message_send(struct filesystem *fs, enum platform_log_level level, const char *format, va_list arguments) {
    char text[MESSAGE_BYTES];
    if (fs->logged > MESSAGES_MAX)
        return;
    if (fs->logged++ == MESSAGES_MAX) {
        platform_log(PLATFORM_LOG_WARNING, "ext2: too many messages, no more from this mount");
        return;
    }
    message_format(text, format, arguments);
    platform_log(level, text);
}

void message_log(struct filesystem *fs, enum platform_log_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message_send(fs, level, format, arguments);
    va_end(arguments);
}

error_t filesystem_corrupt(struct filesystem *fs, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message_send(fs, PLATFORM_LOG_ERROR, format, arguments);
    va_end(arguments);
    fs->damaged = true;
    fs->summary_dirty = true;
    return ERR_CORRUPT;
}

void filesystem_stop_writing(struct filesystem *fs, const char *reason) {
    if (!fs->read_only)
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: read-only from now on: %s", reason);
    fs->read_only = true;
    fs->damaged = true;
}
