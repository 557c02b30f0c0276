// cut: prints chosen bytes, characters or fields of each line.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/lines.h"
#include "programs/common/program.h"
#include "programs/common/utf8.h"

struct range {
    unsigned long first, last;
};

static struct range *ranges;
static size_t range_count = 0;
static char separator = '\t';
static bool only_separated = false;
static const char *output_separator;
static char kind = 0; // b, c or f

static void list_parse(const char *text) {
    const char *whole = text;
    while (*text) {
        char *end;
        struct range range = {1, (unsigned long)-1};
        bool open_start = *text == '-';
        if (!open_start) {
            range.first = strtoul(text, &end, 10);
            range.last = range.first;
            if (end == text)
                program_usage_error("not a list: %s", whole);
            text = end;
        }
        if (*text == '-') {
            text++;
            range.last = strtoul(text, &end, 10);
            if (end == text && open_start)
                program_usage_error("not a list: %s", whole);
            if (end == text)
                range.last = (unsigned long)-1;
            text = end;
        }
        if (range.first < 1 || range.last < range.first || (*text && *text != ','))
            program_usage_error("not a list: %s", whole);
        ranges = memory_resize(ranges, (range_count + 1) * sizeof(struct range));
        ranges[range_count++] = range;
        text += *text == ',';
    }
    if (!range_count)
        program_usage_error("the list is empty");
}

static bool is_chosen(unsigned long number) {
    for (size_t i = 0; i < range_count; i++) {
        if (ranges[i].first <= number && number <= ranges[i].last)
            return true;
    }
    return false;
}

static void characters_cut(const char *line, size_t length) {
    unsigned long number = 1;
    for (size_t at = 0; at < length; number++) {
        size_t next = kind == 'c' ? utf8_next(line, length, at) : at + 1;
        if (is_chosen(number))
            fwrite(line + at, 1, next - at, stdout);
        at = next;
    }
    putchar('\n');
}

static void fields_cut(const char *line, size_t length) {
    if (!memchr(line, separator, length)) {
        if (!only_separated)
            printf("%s\n", line);
        return;
    }
    const char *end = line + length;
    bool any = false;
    for (unsigned long number = 1; line <= end; number++) {
        const char *stop = memchr(line, separator, (size_t)(end - line));
        if (!stop)
            stop = end;
        if (is_chosen(number)) {
            if (any)
                fputs(output_separator, stdout);
            fwrite(line, 1, (size_t)(stop - line), stdout);
            any = true;
        }
        line = stop + 1;
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    program_start(argc, argv, "-b LIST | -c LIST | -f LIST [-d CHARACTER] [-s] [FILE]...",
                  "  -b  bytes   -c  characters   -f  fields\n"
                  "  -d  what separates fields (else a tab)   -s  leave out lines without it\n"
                  "LIST is 1,3-5,7- and so on.\n");
    for (int option; (option = program_option("b:c:f:d:s")) != -1;) {
        if (option == 'd') {
            if (!program_argument[0] || program_argument[1])
                program_usage_error("-d: not one character: %s", program_argument);
            separator = program_argument[0];
        } else if (option == 's') {
            only_separated = true;
        } else {
            if (kind)
                program_usage_error("only one of -b, -c and -f");
            kind = (char)option;
            list_parse(program_argument);
        }
    }
    if (!kind)
        program_usage_error("-b, -c or -f needed");
    char separator_text[2] = {separator, 0};
    output_separator = separator_text;
    static char input[] = "-";
    char *defaults[] = {input, NULL};
    int status = 0;
    for (char **path = program_operand_count ? program_operands : defaults; *path; path++) {
        int descriptor = operand_open(*path);
        if (descriptor < 0) {
            status = 1;
            continue;
        }
        struct line_reader reader;
        size_t length;
        char *line;
        line_reader_init(&reader, descriptor);
        while ((line = line_reader_next(&reader, &length))) {
            if (kind == 'f')
                fields_cut(line, length);
            else
                characters_cut(line, length);
        }
        if (reader.failed) {
            program_errno(*path);
            status = 1;
        }
        line_reader_free(&reader);
        if (descriptor != STDIN_FILENO)
            close(descriptor);
    }
    free(ranges);
    return program_end(status);
}
