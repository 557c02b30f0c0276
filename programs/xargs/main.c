// xargs: runs a program with arguments that are read from standard input.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/common/run.h"

// Bytes of arguments for one run.
#define COMMAND_SIZE_MAX 32768

static bool by_zero = false, trace = false, skip_empty = false;
static long per_run = 0;
static const char *replaced;
static struct buffer input;
static size_t at = 0;
static int status = 0;

// The next argument: separated by blanks with quotes and backslashes, by zero bytes, or, with -I, a line
// each.
static char *argument_next(void) {
    struct buffer word;
    bool any = false;
    buffer_init(&word);
    const char *ends = by_zero ? "" : replaced ? "\n" : " \t\n";
    while (at < input.length && !by_zero && strchr(replaced ? "\n \t" : " \t\n", input.data[at]))
        at++;
    for (; at < input.length; at++) {
        char c = input.data[at];
        if (by_zero ? c == 0 : c && strchr(ends, c) != NULL)
            break;
        any = true;
        if (!by_zero && (c == '\'' || c == '"')) {
            const char *close = memchr(input.data + at + 1, c, input.length - at - 1);
            if (!close)
                program_fail(NULL, "%c is not closed", c);
            buffer_append(&word, input.data + at + 1, (size_t)(close - input.data) - at - 1);
            at = (size_t)(close - input.data);
            continue;
        }
        if (!by_zero && c == '\\' && at + 1 < input.length)
            c = input.data[++at];
        buffer_append_byte(&word, c);
    }
    if (at < input.length) {
        at++;
        any |= by_zero;
    }
    if (any)
        return buffer_take_final(&word);
    buffer_free(&word);
    return NULL;
}

static void run(char **command) {
    if (trace) {
        for (char **word = command; *word; word++)
            fprintf(stderr, "%s%s", word == command ? "" : " ", *word);
        fputc('\n', stderr);
    }
    int result = program_run(command);
    if (result == 126 || result == 127 || result == 255 || result > 128) {
        status = result == 255 ? 124 : result > 128 ? 125 : result;
        exit(program_end(status));
    }
    if (result)
        status = 123;
}

static char *replace(const char *word, const char *argument) {
    struct buffer out;
    buffer_init(&out);
    for (const char *found; (found = strstr(word, replaced)); word = found + strlen(replaced)) {
        buffer_append(&out, word, (size_t)(found - word));
        buffer_append_text(&out, argument);
    }
    buffer_append_text(&out, word);
    return buffer_take_final(&out);
}

static void run_replaced(char **fixed, int fixed_count) {
    char **command = memory_allocate(((size_t)fixed_count + 1) * sizeof(char *));
    for (char *argument; (argument = argument_next());) {
        for (int i = 0; i < fixed_count; i++)
            command[i] = replace(fixed[i], argument);
        command[fixed_count] = NULL;
        run(command);
        for (int i = 0; i < fixed_count; i++)
            free(command[i]);
        free(argument);
    }
    free(command);
}

static void run_collected(char **fixed, int fixed_count) {
    char *argument = argument_next();
    bool first = true;
    while (argument || (first && !skip_empty)) {
        char **command = memory_allocate(((size_t)fixed_count + 1) * sizeof(char *));
        memcpy(command, fixed, (size_t)fixed_count * sizeof(char *));
        int count = fixed_count;
        size_t size = 0;
        while (argument && (per_run == 0 || count - fixed_count < per_run) &&
               (count == fixed_count || size + strlen(argument) + 1 <= COMMAND_SIZE_MAX)) {
            size += strlen(argument) + 1;
            command = memory_resize(command, ((size_t)count + 2) * sizeof(char *));
            command[count++] = argument;
            argument = argument_next();
        }
        command[count] = NULL;
        run(command);
        for (int i = fixed_count; i < count; i++)
            free(command[i]);
        free(command);
        first = false;
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-0rt] [-n COUNT] [-I TEXT] [PROGRAM [ARGUMENT]...]",
                  "  -0  arguments end with a zero byte (find -print0)\n"
                  "  -n  at most COUNT arguments in one run\n"
                  "  -I  one run per line, which replaces TEXT in the arguments\n"
                  "  -r  do not run without arguments\n"
                  "  -t  show each command\n"
                  "Exit status: 123 a run failed, 124 one asked to stop, 125 one was killed, 126 127 it "
                  "could not start.\n");
    for (int option; (option = program_option("+0rtn:I:")) != -1;) {
        by_zero |= option == '0';
        skip_empty |= option == 'r';
        trace |= option == 't';
        if (option == 'n') {
            per_run = (long)number_parse(program_argument, "-n");
            if (per_run < 1)
                program_usage_error("-n: at least 1");
        }
        if (option == 'I')
            replaced = program_argument;
    }
    static char echo[] = "echo";
    char *defaults[] = {echo, NULL};
    char **fixed = program_operand_count ? program_operands : defaults;
    int fixed_count = program_operand_count ? program_operand_count : 1;
    buffer_init(&input);
    if (!buffer_read_all(&input, STDIN_FILENO))
        program_fail("standard input", "%s", error_text(errno));
    if (replaced)
        run_replaced(fixed, fixed_count);
    else
        run_collected(fixed, fixed_count);
    buffer_free(&input);
    return program_end(status);
}
