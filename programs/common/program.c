// What every program shares: name, options, messages, exit status. The state here is set once by
// program_start_as and advanced only by program_option.
#include "programs/common/program.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *program_argument;
char **program_operands;
int program_operand_count;

static const char *name_text = "?";
static const char *summary_text = "";
static const char *usage_operands = "";
static const char *usage_details = "";
static int argument_count;
static char **arguments;
static int next_argument = 1;
static char *cluster = NULL; // the rest of a word such as -la

void program_start_as(const char *name, const char *summary, int argc, char **argv, const char *operands, const char *details) {
    name_text = name;
    summary_text = summary;
    usage_operands = operands;
    usage_details = details;
    argument_count = argc;
    arguments = argv;
    program_operands = memory_allocate(((size_t)argc + 1) * sizeof(char *));
    program_operands[0] = NULL;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        program_help();
}

const char *program_name(void) {
    return name_text;
}

_Noreturn void program_help(void) {
    printf("usage: %s%s%s\n%s: %s\n", name_text, *usage_operands ? " " : "", usage_operands, name_text, summary_text);
    if (*usage_details)
        printf("%s", usage_details);
    exit(program_end(0));
}

static void operand_add(char *word) {
    program_operands[program_operand_count++] = word;
    program_operands[program_operand_count] = NULL;
}

static void operands_take_rest(void) {
    while (next_argument < argument_count)
        operand_add(arguments[next_argument++]);
}

// Finds the next option cluster; false if there is none.
static bool cluster_find(bool stop_early) {
    while (next_argument < argument_count) {
        char *word = arguments[next_argument++];
        if (strcmp(word, "--") == 0) {
            operands_take_rest();
            return false;
        }
        if (strcmp(word, "--help") == 0)
            program_help();
        if (word[0] == '-' && word[1] == '-')
            program_usage_error("%s: unknown option", word);
        if (word[0] == '-' && word[1]) {
            cluster = word + 1;
            return true;
        }
        operand_add(word);
        if (stop_early) {
            operands_take_rest();
            return false;
        }
    }
    return false;
}

int program_option(const char *spec) {
    bool stop_early = spec[0] == '+';
    if ((!cluster || !*cluster) && !cluster_find(stop_early))
        return -1;
    char letter = *cluster++;
    const char *entry = letter == ':' || letter == '+' ? NULL : strchr(spec, letter);
    if (!entry)
        program_usage_error("-%c: unknown option", letter);
    if (entry[1] == ':') {
        if (*cluster)
            program_argument = cluster;
        else if (next_argument < argument_count)
            program_argument = arguments[next_argument++];
        else
            program_usage_error("-%c: argument missing", letter);
        cluster = NULL;
    }
    return (unsigned char)letter;
}

_Noreturn void program_usage_error(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", name_text);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\nusage: %s%s%s\n", name_text, *usage_operands ? " " : "", usage_operands);
    va_end(list);
    exit(STATUS_USAGE);
}

__attribute__((format(printf, 2, 0))) static void message_print(const char *subject, const char *format, va_list list) {
    fflush(stdout);
    fprintf(stderr, "%s: ", name_text);
    if (subject)
        fprintf(stderr, "%s: ", subject);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
}

void program_error(const char *subject, const char *format, ...) {
    va_list list;
    va_start(list, format);
    message_print(subject, format, list);
    va_end(list);
}

void program_errno(const char *subject) {
    program_error(subject, "%s", error_text(errno));
}

_Noreturn void program_fail(const char *subject, const char *format, ...) {
    va_list list;
    va_start(list, format);
    message_print(subject, format, list);
    va_end(list);
    exit(1);
}

int program_end(int status) {
    errno = 0;
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0)
        failed = true;
    if (!failed)
        return status;
    if (errno)
        program_errno("standard output");
    else
        program_error("standard output", "write error");
    clearerr(stdout);
    return status ? status : 1;
}

const char *error_text(int number) {
    static char text[128];
    snprintf(text, sizeof(text), "%s", strerror(number));
    // "No such file" but "I/O error": only a capitalised word is lowered, not an abbreviation.
    if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
        text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

void *memory_allocate(size_t size) {
    return memory_resize(NULL, size);
}

void *memory_resize(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        program_fail(NULL, "out of memory");
    return memory;
}

char *string_copy(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(memory_allocate(size), text, size);
}

long long number_parse(const char *text, const char *what) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        program_usage_error("%s: not a number: %s", what, text);
    return value;
}
