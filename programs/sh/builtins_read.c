// Builtins that take input apart: read and getopts.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/parser.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

// Reads a line byte by byte, so that what follows it stays for the next reader. `marks` has a byte for each
// of `line`: 1 where a backslash protects it from being a separator. False at the end of the input.
static bool line_read(bool raw, struct buffer *line, struct buffer *marks) {
    bool escaped = false;
    for (;;) {
        char c;
        ssize_t count = read(STDIN_FILENO, &c, 1);
        if (count < 0 && errno == EINTR && !trap_is_pending())
            continue;
        if (count <= 0)
            return false;
        if (escaped) {
            escaped = false;
            if (c == '\n')
                continue;
            buffer_append_byte(line, c);
            buffer_append_byte(marks, 1);
        } else if (c == '\\' && !raw) {
            escaped = true;
        } else if (c == '\n') {
            return true;
        } else if (c) {
            buffer_append_byte(line, c);
            buffer_append_byte(marks, 0);
        }
    }
}

struct line_splitter {
    const char *text;
    const char *marks;
    size_t length;
    size_t at;
    const char *separators;
};

static bool is_separator(const struct line_splitter *splitter, size_t at) {
    char c = splitter->text[at];
    return !splitter->marks[at] && c && strchr(splitter->separators, c);
}

static bool is_blank(const struct line_splitter *splitter, size_t at) {
    return is_separator(splitter, at) && strchr(" \t\n", splitter->text[at]);
}

static void skip_blanks(struct line_splitter *splitter) {
    while (splitter->at < splitter->length && is_blank(splitter, splitter->at))
        splitter->at++;
}

static char *field_next(struct shell *shell, struct line_splitter *splitter) {
    size_t start = splitter->at;
    while (splitter->at < splitter->length && !is_separator(splitter, splitter->at))
        splitter->at++;
    char *field = region_copy(&shell->temporary, splitter->text + start, splitter->at - start);
    skip_blanks(splitter);
    if (splitter->at < splitter->length && is_separator(splitter, splitter->at) && !is_blank(splitter, splitter->at)) {
        splitter->at++;
        skip_blanks(splitter);
    }
    return field;
}

// All that is left, for the last variable: a single field loses its separator, more keep theirs but for
// blanks.
static char *field_last(struct shell *shell, struct line_splitter *splitter) {
    size_t start = splitter->at;
    struct line_splitter probe = *splitter;
    char *field = field_next(shell, &probe);
    if (probe.at >= probe.length)
        return field;
    size_t end = splitter->length;
    while (end > start && is_blank(splitter, end - 1))
        end--;
    return region_copy(&shell->temporary, splitter->text + start, end - start);
}

int builtin_read(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    bool raw = false;
    int index = 1;
    for (; index < argc && argv[index][0] == '-' && argv[index][1]; index++) {
        if (strcmp(argv[index], "-r") == 0) {
            raw = true;
        } else if (strcmp(argv[index], "-p") == 0 && index + 1 < argc) {
            index++;
            descriptor_write(STDERR_FILENO, argv[index], strlen(argv[index]));
        } else {
            shell_error("read", "%s: unknown option", argv[index]);
            return STATUS_SYNTAX;
        }
    }
    for (int i = index; i < argc; i++) {
        if (!is_name(argv[i])) {
            shell_error("read", "not a name: %s", argv[i]);
            return STATUS_SYNTAX;
        }
    }
    struct buffer line, marks;
    buffer_init(&line);
    buffer_init(&marks);
    bool complete = line_read(raw, &line, &marks);
    const char *separators = variable_get(shell, "IFS");
    struct line_splitter splitter = {
        .text = line.data, .marks = marks.data, .length = line.length, .separators = separators ? separators : " \t\n"};
    skip_blanks(&splitter);
    bool done = true;
    for (int i = index; i < argc && done; i++) {
        const char *value = i + 1 < argc ? field_next(shell, &splitter) : field_last(shell, &splitter);
        done = variable_set(shell, argv[i], value);
    }
    if (index >= argc)
        done = variable_set(shell, "REPLY", line.data);
    buffer_free(&line);
    buffer_free(&marks);
    return !done ? STATUS_SYNTAX : !complete;
}

// The place in a cluster such as -abc is kept beside OPTIND; setting OPTIND to 1 starts again.
static int cluster_offset = 1;
static long cluster_index = 0;

static int getopts_end(struct shell *shell, const char *name, long index) {
    char number[24];
    snprintf(number, sizeof(number), "%ld", index);
    variable_set(shell, "OPTIND", number);
    variable_set(shell, name, "?");
    variable_unset(shell, "OPTARG");
    return 1;
}

int builtin_getopts(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    if (argc < 3 || !is_name(argv[2])) {
        shell_error("getopts", "options and a name needed");
        return STATUS_SYNTAX;
    }
    const char *options = argv[1];
    bool silent = *options == ':';
    char **words = argc > 3 ? argv + 3 : shell->arguments;
    int count = argc > 3 ? argc - 3 : shell->argument_count;
    const char *place = variable_get(shell, "OPTIND");
    long index = place ? strtol(place, NULL, 10) : 1;
    if (index < 1)
        index = 1;
    if (cluster_index != index)
        cluster_offset = 1;
    if (index > count || words[index - 1][0] != '-' || !words[index - 1][1])
        return getopts_end(shell, argv[2], index);
    if (strcmp(words[index - 1], "--") == 0)
        return getopts_end(shell, argv[2], index + 1);
    const char *word = words[index - 1];
    char letter[2] = {word[cluster_offset++], 0};
    const char *entry = letter[0] == ':' ? NULL : strchr(options + silent, letter[0]);
    const char *argument = NULL;
    const char *result = letter;
    if (entry && entry[1] == ':') {
        if (word[cluster_offset])
            argument = word + cluster_offset;
        else if (index < count)
            argument = words[index++];
        if (!argument) {
            result = silent ? ":" : "?";
            if (silent)
                argument = letter;
            else
                shell_error(NULL, "-%s: argument missing", letter);
        }
        cluster_offset = 1;
        index++;
    } else {
        if (!entry) {
            result = "?";
            if (silent)
                argument = letter;
            else
                shell_error(NULL, "-%s: unknown option", letter);
        }
        if (!word[cluster_offset]) {
            cluster_offset = 1;
            index++;
        }
    }
    cluster_index = index;
    char number[24];
    snprintf(number, sizeof(number), "%ld", index);
    variable_set(shell, "OPTIND", number);
    if (argument)
        variable_set(shell, "OPTARG", argument);
    else
        variable_unset(shell, "OPTARG");
    variable_set(shell, argv[2], result);
    return 0;
}
