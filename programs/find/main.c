// find: walks trees and prints or handles what an expression chooses. The expression is parsed once into a
// tree of nodes; -a is implied between tests, -o is weaker, ! and ( ) work as usual.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/pattern.h"
#include "programs/common/program.h"
#include "programs/common/run.h"

enum kind { AND, OR, NOT, NAME, INAME, PATH, TYPE, SIZE, MTIME, NEWER, EMPTY, PERM, PRINT, PRINT0, EXEC, DELETE, PRUNE, TRUE };

struct expression {
    enum kind kind;
    struct expression *left, *right;
    const char *text;
    char sign; // + more than, - less than, 0 exactly
    uint64_t number, unit;
    char **command;
    int command_count;
    time_t time;
};

static char **words;
static bool acts = false; // the expression prints or does something itself
static bool depth_first = false, pruned;
static long max_depth = -1, min_depth = 0;
static int status = 0;

static struct expression *parse_or(void);

static struct expression *make(enum kind kind, struct expression *left, struct expression *right) {
    struct expression *expression = memory_allocate(sizeof(*expression));
    *expression = (struct expression){.kind = kind, .left = left, .right = right};
    return expression;
}

static char *argument_take(const char *name) {
    if (!*words)
        program_usage_error("%s: argument missing", name);
    return *words++;
}

static void number_take(struct expression *expression, const char *name, bool with_unit) {
    char *text = argument_take(name);
    expression->sign = *text == '+' || *text == '-' ? *text++ : 0;
    char *end;
    expression->number = strtoull(text, &end, 10);
    expression->unit = 512;
    if (with_unit && *end) {
        expression->unit = *end == 'c' ? 1 : *end == 'k' ? 1024 : *end == 'M' ? 1u << 20 : *end == 'G' ? 1u << 30 : 512;
        if (strchr("ckMGb", *end))
            end++;
    }
    if (end == text || *end)
        program_usage_error("%s: not a number: %s", name, text);
}

static void command_take(struct expression *expression) {
    expression->command = words;
    while (*words && strcmp(*words, ";") != 0)
        words++;
    expression->command_count = (int)(words - expression->command);
    if (!*words || expression->command_count == 0)
        program_usage_error("-exec: a command that ends with ; needed");
    words++;
    acts = true;
}

static void newer_take(struct expression *expression) {
    struct stat info;
    const char *path = argument_take("-newer");
    if (stat(path, &info) != 0)
        program_fail(path, "%s", error_text(errno));
    expression->time = info.st_mtim.tv_sec;
    expression->number = (uint64_t)info.st_mtim.tv_nsec;
}

static struct expression *parse_test(const char *name) {
    static const struct {
        const char *name;
        enum kind kind;
    } tests[] = {{"-name", NAME},     {"-iname", INAME}, {"-path", PATH},     {"-type", TYPE},   {"-size", SIZE},
                 {"-mtime", MTIME},   {"-newer", NEWER}, {"-empty", EMPTY},   {"-perm", PERM},   {"-print", PRINT},
                 {"-print0", PRINT0}, {"-exec", EXEC},   {"-delete", DELETE}, {"-prune", PRUNE}, {"-true", TRUE}};
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (strcmp(tests[i].name, name) != 0)
            continue;
        struct expression *expression = make(tests[i].kind, NULL, NULL);
        switch (tests[i].kind) {
        case NAME:
        case INAME:
        case PATH:
        case TYPE:
        case PERM:
            expression->text = argument_take(name);
            break;
        case SIZE:
        case MTIME:
            number_take(expression, name, tests[i].kind == SIZE);
            break;
        case NEWER:
            newer_take(expression);
            break;
        case EXEC:
            command_take(expression);
            break;
        case DELETE:
            depth_first = true;
            acts = true;
            break;
        case PRINT:
        case PRINT0:
            acts = true;
            break;
        default:
            break;
        }
        return expression;
    }
    program_usage_error("%s: unknown test", name);
}

static struct expression *parse_primary(void) {
    char *word = argument_take("expression");
    if (strcmp(word, "!") == 0 || strcmp(word, "-not") == 0)
        return make(NOT, parse_primary(), NULL);
    if (strcmp(word, "(") == 0) {
        struct expression *inner = parse_or();
        if (strcmp(argument_take("("), ")") != 0)
            program_usage_error("( is not closed");
        return inner;
    }
    if (strcmp(word, "-maxdepth") == 0 || strcmp(word, "-mindepth") == 0) {
        long depth = (long)number_parse(argument_take(word), word);
        *(word[2] == 'a' ? &max_depth : &min_depth) = depth;
        return make(TRUE, NULL, NULL);
    }
    if (strcmp(word, "-depth") == 0) {
        depth_first = true;
        return make(TRUE, NULL, NULL);
    }
    return parse_test(word);
}

static bool word_is(const char *a, const char *b) {
    return *words && (strcmp(*words, a) == 0 || strcmp(*words, b) == 0);
}

static struct expression *parse_and(void) {
    struct expression *left = parse_primary();
    while (*words && !word_is("-o", "-or") && !word_is(")", ")")) {
        if (word_is("-a", "-and"))
            words++;
        left = make(AND, left, parse_primary());
    }
    return left;
}

static struct expression *parse_or(void) {
    struct expression *left = parse_and();
    while (word_is("-o", "-or")) {
        words++;
        left = make(OR, left, parse_and());
    }
    return left;
}

static bool number_holds(const struct expression *expression, uint64_t value) {
    return expression->sign == '+'   ? value > expression->number
           : expression->sign == '-' ? value < expression->number
                                     : value == expression->number;
}

static char *lowered(const char *text) {
    char *copy = string_copy(text);
    for (char *c = copy; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    return copy;
}

static bool name_matches(const char *pattern, const char *path, bool ignore_case) {
    char *base = path_base(path);
    char *low_pattern = ignore_case ? lowered(pattern) : NULL, *low_base = ignore_case ? lowered(base) : NULL;
    const char *name = ignore_case ? low_base : base;
    bool matches = pattern_match(ignore_case ? low_pattern : pattern, name, strlen(name));
    free(low_pattern);
    free(low_base);
    free(base);
    return matches;
}

static bool type_matches(const char *letters, mode_t mode) {
    char letter = S_ISDIR(mode)    ? 'd'
                  : S_ISREG(mode)  ? 'f'
                  : S_ISLNK(mode)  ? 'l'
                  : S_ISCHR(mode)  ? 'c'
                  : S_ISBLK(mode)  ? 'b'
                  : S_ISFIFO(mode) ? 'p'
                                   : 's';
    return strchr(letters, letter) != NULL;
}

static bool is_empty(const char *path, const struct stat *info) {
    struct directory_list list;
    if (!S_ISDIR(info->st_mode))
        return S_ISREG(info->st_mode) && info->st_size == 0;
    bool empty = directory_read(path, &list) && list.count == 0;
    directory_free(&list);
    return empty;
}

static bool permissions_match(const char *text, mode_t mode) {
    bool all = *text == '-';
    mode_t wanted = 0;
    if (!mode_parse(text + all, 0, &wanted))
        program_usage_error("-perm: not a mode: %s", text);
    return all ? (mode & wanted) == wanted : (mode & 07777) == wanted;
}

// Replaces each {} by the path.
static char *substitute(const char *word, const char *path) {
    size_t count = 0;
    for (const char *at = word; (at = strstr(at, "{}")); at += 2)
        count++;
    char *result = memory_allocate(strlen(word) + count * strlen(path) + 1);
    char *out = result;
    while (*word) {
        if (strncmp(word, "{}", 2) == 0) {
            strcpy(out, path);
            out += strlen(path);
            word += 2;
        } else {
            *out++ = *word++;
        }
    }
    *out = 0;
    return result;
}

static bool execute(const struct expression *expression, const char *path) {
    char **arguments = memory_allocate(((size_t)expression->command_count + 1) * sizeof(char *));
    for (int i = 0; i < expression->command_count; i++)
        arguments[i] = substitute(expression->command[i], path);
    arguments[expression->command_count] = NULL;
    int result = program_run(arguments);
    for (int i = 0; i < expression->command_count; i++)
        free(arguments[i]);
    free(arguments);
    return result == 0;
}

static bool delete (const char *path, const struct stat *info) {
    if ((S_ISDIR(info->st_mode) ? rmdir(path) : unlink(path)) == 0)
        return true;
    program_errno(path);
    status = 1;
    return false;
}

static bool evaluate(const struct expression *expression, const char *path, const struct stat *info) {
    switch (expression->kind) {
    case AND:
        return evaluate(expression->left, path, info) && evaluate(expression->right, path, info);
    case OR:
        return evaluate(expression->left, path, info) || evaluate(expression->right, path, info);
    case NOT:
        return !evaluate(expression->left, path, info);
    case NAME:
    case INAME:
        return name_matches(expression->text, path, expression->kind == INAME);
    case PATH:
        return pattern_match(expression->text, path, strlen(path));
    case TYPE:
        return type_matches(expression->text, info->st_mode);
    case SIZE:
        return number_holds(expression, ((uint64_t)info->st_size + expression->unit - 1) / expression->unit);
    case MTIME:
        return number_holds(expression, (uint64_t)(time(NULL) - info->st_mtim.tv_sec) / 86400);
    case NEWER:
        return info->st_mtim.tv_sec != expression->time ? info->st_mtim.tv_sec > expression->time
                                                        : (uint64_t)info->st_mtim.tv_nsec > expression->number;
    case EMPTY:
        return is_empty(path, info);
    case PERM:
        return permissions_match(expression->text, info->st_mode);
    case PRINT:
        puts(path);
        return true;
    case PRINT0:
        fwrite(path, 1, strlen(path) + 1, stdout);
        return true;
    case EXEC:
        return execute(expression, path);
    case DELETE:
        return delete (path, info);
    case PRUNE:
        pruned = true;
        return true;
    default:
        return true;
    }
}

static void visit(const struct expression *expression, const char *path, const struct stat *info, long depth) {
    pruned = false;
    if (depth < min_depth)
        return;
    if ((!expression || evaluate(expression, path, info)) && !acts)
        puts(path);
}

static void walk(const struct expression *expression, const char *path, long depth) {
    struct stat info;
    struct directory_list list;
    if (lstat(path, &info) != 0) {
        program_errno(path);
        status = 1;
        return;
    }
    if (!depth_first)
        visit(expression, path, &info, depth);
    bool enters = S_ISDIR(info.st_mode) && !(pruned && !depth_first) && (max_depth < 0 || depth < max_depth);
    if (enters && !directory_read(path, &list)) {
        program_errno(path);
        status = 1;
        enters = false;
    }
    for (size_t i = 0; enters && i < list.count; i++) {
        char *child = path_join(path, list.names[i]);
        walk(expression, child, depth + 1);
        free(child);
    }
    if (enters)
        directory_free(&list);
    if (depth_first)
        visit(expression, path, &info, depth);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[PATH]... [EXPRESSION]",
                  "  -name -iname -path PATTERN   -type [fdlbcps]   -size [+-]N[ckMG]   -mtime [+-]DAYS\n"
                  "  -newer FILE   -empty   -perm [-]MODE   -true   -maxdepth N   -mindepth N   -depth\n"
                  "  -print   -print0   -exec COMMAND ;   -delete   -prune\n"
                  "  ! E   E E   E -o E   ( E )\n");
    words = argv + 1;
    while (*words && **words != '-' && strcmp(*words, "!") != 0 && strcmp(*words, "(") != 0)
        words++;
    char **end = words;
    struct expression *expression = *words ? parse_or() : NULL;
    if (*words)
        program_usage_error("unexpected: %s", *words);
    if (end == argv + 1)
        walk(expression, ".", 0);
    for (char **path = argv + 1; path < end; path++)
        walk(expression, *path, 0);
    return program_end(status);
}
