// The history list. New lines are appended to the file as they are typed, so that a crash loses none; a file
// that has grown too long is rewritten when it is loaded.
#include "programs/sh/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"

static char *lines[HISTORY_MAX];
static size_t count = 0;
static char *file_path = NULL;

static void line_keep(const char *line) {
    if (count == HISTORY_MAX) {
        free(lines[0]);
        memmove(lines, lines + 1, (HISTORY_MAX - 1) * sizeof(lines[0]));
        count--;
    }
    lines[count++] = string_copy(line);
}

static void file_append(const char *line, int flags) {
    int descriptor = open(file_path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (descriptor < 0)
        return; // a read-only disk is no reason to disturb
    struct buffer text;
    buffer_init(&text);
    if (line) {
        buffer_format(&text, "%s\n", line);
    } else {
        for (size_t i = 0; i < count; i++)
            buffer_format(&text, "%s\n", lines[i]);
    }
    descriptor_write(descriptor, text.data, text.length);
    buffer_free(&text);
    close(descriptor);
}

void history_load(const char *home) {
    if (!home)
        return;
    file_path = path_join(home, ".history");
    int descriptor = open(file_path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    struct buffer text;
    buffer_init(&text);
    buffer_read_all(&text, descriptor);
    close(descriptor);
    size_t total = 0;
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        if (*line)
            line_keep(line);
        total++;
    }
    buffer_free(&text);
    if (total > 2 * HISTORY_MAX)
        file_append(NULL, O_TRUNC);
}

void history_close(void) {
    free(file_path);
    file_path = NULL;
}

void history_add(const char *line) {
    if (!line[strspn(line, " \t")] || (count && strcmp(lines[count - 1], line) == 0))
        return;
    line_keep(line);
    if (file_path)
        file_append(line, O_APPEND);
}

size_t history_count(void) {
    return count;
}

const char *history_line(size_t index) {
    return lines[index];
}

int builtin_history(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell, (void)argc, (void)argv;
    for (size_t i = 0; i < count; i++)
        buffer_format(out, "%5zu  %s\n", i + 1, lines[i]);
    return 0;
}
