// See crash.h. Files are NAME.1 to NAME.9 for each role; the ones after replace them in turn.
#include "programs/logfile/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/trace/table.h"
#include "programs/common/buffer.h"
#include "programs/common/program.h"

#define BEGINS  "; crash report"
#define ENDS    "; end of report"
#define REQUEST "in service: request "
#define CONSOLE "/dev/console"

enum { FILES_MAX = 9, PATH_BYTES = 96, NAME_BYTES = 32, LINES_MAX = 48 };

static struct buffer report;
static char name[NAME_BYTES];
static unsigned lines; // of the report that is being collected; 0: none is

static bool ends_with(const char *text, size_t length, const char *end) {
    size_t bytes = strlen(end);
    return length >= bytes && memcmp(text + length - bytes, end, bytes) == 0;
}

// The first free number, or that of the oldest file.
static void choose_path(char *path) {
    long long oldest = 0;
    int chosen = 0;
    for (int number = 1; number <= FILES_MAX; number++) {
        struct stat status;
        snprintf(path, PATH_BYTES, CRASH_FOLDER "/%s.%d", name, number);
        if (stat(path, &status) != 0)
            return;
        if (chosen == 0 || (long long)status.st_mtime < oldest) {
            oldest = (long long)status.st_mtime;
            chosen = number;
        }
    }
    snprintf(path, PATH_BYTES, CRASH_FOLDER "/%s.%d", name, chosen);
}

static void show(const char *path) {
    int console = open(CONSOLE, O_WRONLY | O_NOCTTY | O_NONBLOCK);
    if (console < 0)
        return;
    buffer_format(&report, "(this is %s)\n", path);
    (void)descriptor_write(console, report.data, report.length);
    close(console);
}

static void save(void) {
    char path[PATH_BYTES];
    if (mkdir(CRASH_FOLDER, 0755) != 0 && errno != EEXIST)
        return;
    choose_path(path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0)
        return;
    bool written = descriptor_write(file, report.data, report.length);
    if (close(file) == 0 && written)
        show(path);
}

// "protocol 42 method 1" by name.
static void add_method(const char *text, size_t length) {
    char copy[256];
    unsigned protocol, method;
    snprintf(copy, sizeof(copy), "%.*s", (int)length, text);
    const char *at = strstr(copy, "protocol ");
    if (!at || sscanf(at, "protocol %u method %u", &protocol, &method) != 2)
        return;
    const struct trace_method *found = trace_method_find((uint16_t)(protocol << 8 | method));
    if (found)
        buffer_format(&report, "            it is %s.%s\n", found->protocol, found->name);
}

// A line with each "protocol 42 method 1" in it by its name.
static void add_named(const char *text, size_t length) {
    char copy[256];
    unsigned protocol, method;
    int bytes = 0;
    snprintf(copy, sizeof(copy), "%.*s", (int)length, text);
    const char *at = copy;
    buffer_format(&report, "  ");
    for (const char *found; (found = strstr(at, "protocol ")) != NULL; at = found + bytes) {
        const struct trace_method *known = NULL;
        if (sscanf(found, "protocol %u method %u%n", &protocol, &method, &bytes) == 2)
            known = trace_method_find((uint16_t)(protocol << 8 | method));
        if (!known)
            break;
        buffer_format(&report, "%.*s%s.%s", (int)(found - at), at, known->protocol, known->name);
    }
    buffer_format(&report, "%s\n", at);
}

static void begin(const char *time, const char *text, size_t length) {
    size_t bytes = 0;
    while (bytes < length && bytes < sizeof(name) - 1 && text[bytes] != ' ' && text[bytes] != '/') {
        name[bytes] = text[bytes];
        bytes++;
    }
    name[bytes] = '\0';
    buffer_free(&report);
    buffer_init(&report);
    buffer_format(&report, "%s  %.*s\n", time, (int)(length - strlen(BEGINS)), text);
    lines = 1;
}

void crash_line(const char *time, const char *text, size_t length) {
    if (ends_with(text, length, BEGINS)) {
        begin(time, text, length);
        return;
    }
    if (lines == 0)
        return;
    bool ends = ends_with(text, length, ENDS) || ++lines == LINES_MAX;
    bool is_request = length > strlen(REQUEST) && memcmp(text, REQUEST, strlen(REQUEST)) == 0;
    if (!is_request && !ends)
        add_named(text, length);
    else
        buffer_format(&report, "  %.*s\n", (int)(ends_with(text, length, ENDS) ? length - strlen(ENDS) : length), text);
    if (is_request)
        add_method(text, length);
    if (!ends)
        return;
    lines = 0;
    save();
}
