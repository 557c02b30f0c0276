// The state that a subshell starts with. Every record is strictly checked: a pipe that broke half-way must
// not give a shell that runs with half a state.
#include "programs/sh/state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

static void put_text(struct buffer *out, const char *text) {
    buffer_format(out, "%zu:", strlen(text));
    buffer_append_text(out, text);
}

static void put_number(struct buffer *out, long number) {
    char text[24];
    snprintf(text, sizeof(text), "%ld", number);
    put_text(out, text);
}

void state_write(struct shell *shell, struct buffer *out, const char *script) {
    for (struct variable **variable = variables_sorted(shell); *variable; variable++) {
        if ((*variable)->flags == VARIABLE_EXPORTED && (*variable)->value)
            continue;
        buffer_append_byte(out, (*variable)->value ? 'v' : 'u');
        put_number(out, (long)(*variable)->flags);
        put_text(out, (*variable)->name);
        if ((*variable)->value)
            put_text(out, (*variable)->value);
    }
    for (const struct function *function = shell->functions; function; function = function->next) {
        buffer_append_byte(out, 'f');
        put_text(out, function->text);
    }
    for (const struct alias *alias = shell->aliases; alias; alias = alias->next) {
        buffer_append_byte(out, 'a');
        put_text(out, alias->name);
        put_text(out, alias->value);
    }
    for (int i = 0; i < shell->argument_count; i++) {
        buffer_append_byte(out, 'p');
        put_text(out, shell->arguments[i]);
    }
    for (int signal = 1; signal < SIGNAL_COUNT; signal++) {
        if (shell->traps[signal] && !*shell->traps[signal]) {
            buffer_append_byte(out, 't');
            put_number(out, signal);
        }
    }
    buffer_append_byte(out, 'n');
    put_text(out, shell->name);
    buffer_append_byte(out, 'o');
    put_number(out, shell->errexit | shell->nounset << 1 | shell->xtrace << 2 | shell->noglob << 3 | shell->noclobber << 4);
    put_number(out, shell->pid);
    put_number(out, shell->last_background);
    put_number(out, shell->last_status);
    put_number(out, shell->line);
    put_number(out, shell->errexit_suspended > 0);
    put_number(out, shell->function_depth);
    buffer_append_byte(out, 's');
    put_text(out, script);
    buffer_append_byte(out, '.');
}

struct reader {
    struct buffer text;
    size_t position;
    bool damaged;
};

// The next string, which the caller frees; "" once the state turned out to be damaged.
static char *get_text(struct reader *reader) {
    size_t length = 0;
    size_t at = reader->position;
    const char *data = reader->text.data;
    while (isdigit((unsigned char)data[at]) && length < reader->text.length)
        length = length * 10 + (size_t)(data[at++] - '0');
    if (data[at] != ':' || at == reader->position || length > reader->text.length - at - 1) {
        reader->damaged = true;
        return string_copy("");
    }
    char *text = memory_allocate(length + 1);
    memcpy(text, data + at + 1, length);
    text[length] = 0;
    reader->position = at + 1 + length;
    return text;
}

static long get_number(struct reader *reader) {
    char *text = get_text(reader);
    long number = strtol(text, NULL, 10);
    free(text);
    return number;
}

static void get_variable(struct shell *shell, struct reader *reader, bool has_value) {
    unsigned flags = (unsigned)get_number(reader);
    char *name = get_text(reader);
    char *value = has_value ? get_text(reader) : NULL;
    if (!reader->damaged) {
        if (value)
            variable_set(shell, name, value);
        variable_mark(shell, name, flags);
    }
    free(name);
    free(value);
}

static void get_options(struct shell *shell, struct reader *reader) {
    long options = get_number(reader);
    shell->errexit = options & 1;
    shell->nounset = options & 2;
    shell->xtrace = options & 4;
    shell->noglob = options & 8;
    shell->noclobber = options & 16;
    shell->pid = (pid_t)get_number(reader);
    shell->last_background = (pid_t)get_number(reader);
    shell->last_status = (int)get_number(reader);
    shell->line = (int)get_number(reader);
    shell->errexit_suspended = (int)get_number(reader);
    shell->function_depth = (int)get_number(reader);
}

static void get_argument(struct shell *shell, struct reader *reader) {
    shell->arguments = memory_resize(shell->arguments, (size_t)(shell->argument_count + 1) * sizeof(char *));
    shell->arguments[shell->argument_count++] = get_text(reader);
}

// One record; the script when it comes.
static void get_record(struct shell *shell, struct reader *reader, char kind, char **script) {
    char *text = NULL, *value = NULL;
    switch (kind) {
    case 'v':
    case 'u':
        get_variable(shell, reader, kind == 'v');
        break;
    case 'f':
        text = get_text(reader);
        shell_run_text(shell, text);
        break;
    case 'a':
        text = get_text(reader);
        value = get_text(reader);
        alias_set(shell, text, value);
        break;
    case 'p':
        get_argument(shell, reader);
        break;
    case 't':
        trap_set(shell, (int)get_number(reader) % SIGNAL_COUNT, "");
        break;
    case 'n':
        free(shell->name);
        shell->name = get_text(reader);
        break;
    case 'o':
        get_options(shell, reader);
        break;
    case 's':
        free(*script);
        *script = get_text(reader);
        break;
    default:
        reader->damaged = true;
    }
    free(text);
    free(value);
}

char *state_read(struct shell *shell, int descriptor) {
    struct reader reader = {0};
    char *script = NULL;
    buffer_init(&reader.text);
    bool complete = false;
    reader.damaged = !buffer_read_all(&reader.text, descriptor);
    close(descriptor);
    while (!reader.damaged && !complete && reader.position < reader.text.length) {
        char kind = reader.text.data[reader.position++];
        complete = kind == '.';
        if (!complete)
            get_record(shell, &reader, kind, &script);
    }
    if (!complete) {
        free(script);
        script = NULL;
    }
    buffer_free(&reader.text);
    return script;
}
