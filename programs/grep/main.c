// grep: prints the lines that match a pattern. Exit status: 0 some line did, 1 none, 2 an error.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/lines.h"
#include "programs/common/program.h"
#include "programs/common/regex.h"

static bool invert, numbers, count_only, names_only, names_without, recursive, words, quiet, only_matching, silent;
static bool with_names, colours;
static struct regex *regex;
static int status = 1;

static bool is_word_byte(unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 128;
}

// The next match from `from` on that is a word of its own if -w wants that.
static bool match_find(const char *line, size_t length, size_t from, size_t *start, size_t *end) {
    while (regex_search(regex, line, length, from, start, end)) {
        bool inside = (*start > 0 && is_word_byte((unsigned char)line[*start - 1])) ||
                      (*end < length && is_word_byte((unsigned char)line[*end]));
        if (!words || !inside)
            return true;
        from = *start + 1;
        if (from > length)
            return false;
    }
    return false;
}

static bool line_matches(const char *line, size_t length) {
    size_t start, end;
    if (words)
        return match_find(line, length, 0, &start, &end);
    return regex_matches(regex, line, length);
}

static void prefix_print(const char *name, unsigned long number) {
    if (with_names)
        printf(colours ? "\033[35m%s\033[0m:" : "%s:", name);
    if (numbers)
        printf(colours ? "\033[32m%lu\033[0m:" : "%lu:", number);
}

static void matches_print(const char *name, unsigned long number, const char *line, size_t length) {
    size_t start, end;
    for (size_t from = 0; from <= length && match_find(line, length, from, &start, &end);) {
        if (end > start) {
            prefix_print(name, number);
            printf(colours ? "\033[1;31m%.*s\033[0m\n" : "%.*s\n", (int)(end - start), line + start);
        }
        from = end > start ? end : end + 1;
    }
}

static void line_print(const char *name, unsigned long number, const char *line, size_t length) {
    prefix_print(name, number);
    size_t done = 0, start, end;
    while (colours && !invert && done < length && match_find(line, length, done, &start, &end) && end > start) {
        fwrite(line + done, 1, start - done, stdout);
        printf("\033[1;31m%.*s\033[0m", (int)(end - start), line + start);
        done = end;
    }
    fwrite(line + done, 1, length - done, stdout);
    putchar('\n');
}

static void result_print(const char *name, unsigned long count, bool binary) {
    if (count && status == 1)
        status = 0;
    if (quiet)
        return;
    if (names_only || names_without) {
        if ((count != 0) == names_only)
            printf("%s\n", name);
    } else if (count_only) {
        if (with_names)
            printf("%s:", name);
        printf("%lu\n", count);
    } else if (binary && count) {
        printf("%s: binary file matches\n", name);
    }
}

static void stream_search(int descriptor, const char *name) {
    struct line_reader reader;
    unsigned long number = 0, count = 0;
    bool stop_early = quiet || names_only || names_without;
    bool print = !stop_early && !count_only;
    bool binary = false;
    size_t length;
    char *line;
    line_reader_init(&reader, descriptor);
    while ((line = line_reader_next(&reader, &length))) {
        number++;
        binary |= memchr(line, 0, length) != NULL;
        if (line_matches(line, length) == invert)
            continue;
        count++;
        if (stop_early || (binary && !count_only))
            break;
        if (print && only_matching && !invert)
            matches_print(name, number, line, length);
        else if (print && !only_matching)
            line_print(name, number, line, length);
    }
    if (reader.failed) {
        if (!silent)
            program_errno(name);
        status = 2;
    }
    line_reader_free(&reader);
    result_print(name, count, binary);
}

static void path_search(const char *path, bool named) {
    struct stat info;
    struct directory_list list;
    bool is_directory = strcmp(path, "-") != 0 && (named ? stat(path, &info) : lstat(path, &info)) == 0 && S_ISDIR(info.st_mode);
    if (is_directory && recursive) {
        if (!directory_read(path, &list)) {
            program_errno(path);
            status = 2;
            return;
        }
        for (size_t i = 0; i < list.count; i++) {
            char *child = path_join(path, list.names[i]);
            path_search(child, false);
            free(child);
        }
        directory_free(&list);
        return;
    }
    if (!named && !S_ISREG(info.st_mode))
        return;
    if (is_directory) {
        program_error(path, "is a directory");
        status = 2;
        return;
    }
    bool input = strcmp(path, "-") == 0;
    int descriptor = silent && access(path, R_OK) != 0 && !input ? -1 : operand_open(path);
    if (descriptor < 0) {
        status = 2;
        return;
    }
    stream_search(descriptor, input ? "(standard input)" : path);
    if (!input)
        close(descriptor);
}

// Patterns are separated by newlines.
static size_t patterns_split(char *text, const char ***patterns, size_t count) {
    for (;;) {
        char *newline = strchr(text, '\n');
        *patterns = memory_resize(*patterns, (count + 1) * sizeof(char *));
        (*patterns)[count++] = text;
        if (!newline)
            return count;
        *newline = 0;
        text = newline + 1;
    }
}

static unsigned options_take(const char ***patterns, size_t *count, bool *names_set) {
    unsigned flags = 0;
    for (int option; (option = program_option("ivnclLrREFGwqoxshHe:")) != -1;) {
        invert |= option == 'v';
        numbers |= option == 'n';
        count_only |= option == 'c';
        names_only |= option == 'l';
        names_without |= option == 'L';
        recursive |= option == 'r' || option == 'R';
        words |= option == 'w';
        quiet |= option == 'q';
        only_matching |= option == 'o';
        silent |= option == 's';
        flags |= option == 'i' ? REGEX_IGNORE_CASE : option == 'E' ? REGEX_EXTENDED : option == 'x' ? REGEX_WHOLE_LINE : 0;
        flags |= option == 'F' ? REGEX_FIXED : 0;
        if (option == 'e')
            *count = patterns_split(program_argument, patterns, *count);
        if (option == 'h' || option == 'H') {
            with_names = option == 'H';
            *names_set = true;
        }
    }
    return flags;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-ivnclLrEFwxqoshH] [-e PATTERN] [PATTERN] [FILE]...",
                  "  -i  ignore case              -v  lines that do not match\n"
                  "  -n  line numbers             -c  only how many\n"
                  "  -l  only file names          -L  only names of files without a match\n"
                  "  -r  everything below         -q  only the exit status\n"
                  "  -E  extended expressions     -F  plain text\n"
                  "  -w  whole words              -x  whole lines\n"
                  "  -o  only what matches        -s  no messages about files\n"
                  "  -h  no file names            -H  always file names\n"
                  "  -e  a pattern (may be repeated)\n");
    const char **patterns = NULL;
    size_t count = 0;
    bool names_set = false;
    unsigned flags = options_take(&patterns, &count, &names_set);
    char **operands = program_operands;
    if (count == 0) {
        if (!*operands)
            program_usage_error("no pattern given");
        count = patterns_split(*operands++, &patterns, 0);
    }
    const char *error;
    regex = regex_compile(patterns, count, flags, &error);
    if (!regex)
        program_usage_error("%s", error);
    colours = isatty(STDOUT_FILENO);
    static char input[] = "-", here[] = ".";
    char *defaults[] = {recursive ? here : input, NULL};
    if (!names_set)
        with_names = recursive || (operands[0] && operands[1]);
    for (char **path = *operands ? operands : defaults; *path; path++)
        path_search(*path, true);
    int result = quiet && status == 2 ? 2 : status;
    regex_free(regex);
    free(patterns);
    return program_end(result);
}
