// Parses the kernel's command line anew at every question: options are few and asked for rarely, so nothing
// is stored but the line itself.
#include "boot/loader/options.h"

#include <stdint.h>

#include "kernel/debug/log.h"
#include "kernel/x86_64/early_console.h"

static const char *line = "";

void options_start(const char *command_line) {
    line = command_line;
}

// The end of the word that starts here.
static const char *word_end(const char *at) {
    bool quoted = false;
    for (; *at && (quoted || *at != ' '); at++)
        if (*at == '"')
            quoted = !quoted;
    return at;
}

// Past NAME and '=' if the word is that option, else null.
static const char *value_start(const char *word, const char *end, const char *name) {
    while (word < end && *name && *word == *name) {
        word++;
        name++;
    }
    if (*name)
        return 0;
    if (word == end)
        return end;
    return *word == '=' ? word + 1 : 0;
}

static void value_copy(const char *from, const char *end, char *value, size_t size) {
    size_t length = 0;
    for (; from < end && length + 1 < size; from++)
        if (*from != '"')
            value[length++] = *from;
    if (size != 0)
        value[length] = '\0';
}

bool options_get(const char *name, char *value, size_t size) {
    bool found = false;
    value_copy(line, line, value, size);
    for (const char *at = line; *at;) {
        while (*at == ' ')
            at++;
        const char *end = word_end(at);
        const char *start = end > at ? value_start(at, end, name) : 0;
        if (start) {
            value_copy(start, end, value, size);
            found = true;
        }
        at = end;
    }
    return found;
}

static bool text_equal(const char *left, const char *right) {
    for (; *left && *left == *right; left++)
        right++;
    return *left == *right;
}

void options_read(struct boot_info *info) {
    static const char letters[] = "ewid";
    char value[16];
    info->log_level = LOG_INFO;
    if (options_get("loglevel", value, sizeof(value)))
        for (uint32_t level = LOG_ERROR; level <= LOG_DEBUG; level++)
            if (value[0] == letters[level - 1] || value[0] == (char)('0' + level))
                info->log_level = level;
    if (options_get("isolation", value, sizeof(value)))
        info->isolation = text_equal(value, "off") ? BOOT_ISOLATION_OFF : BOOT_ISOLATION_ON;
    info->console = EARLY_CONSOLE_SERIAL | EARLY_CONSOLE_SCREEN;
    if (options_get("console", value, sizeof(value)) && text_equal(value, "serial"))
        info->console = EARLY_CONSOLE_SERIAL;
    else if (text_equal(value, "screen"))
        info->console = EARLY_CONSOLE_SCREEN;
}
