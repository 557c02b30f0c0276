// test: with up to four arguments the standard fixes the meaning by their number; beyond that, ! binds
// tighter than -a, which binds tighter than -o.
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/text_commands.h"

struct tester {
    char **words;
    int count;
    int next;
    struct buffer *error;
};

static bool parse_or(struct tester *tester);

static bool complain(struct tester *tester, const char *subject, const char *reason) {
    if (tester->error->length == 0)
        buffer_format(tester->error, "%s: %s", subject, reason);
    return false;
}

static bool file_test(char letter, const char *path) {
    struct stat info;
    if ((letter == 'h' || letter == 'L' ? lstat(path, &info) : stat(path, &info)) != 0)
        return false;
    switch (letter) {
    case 'b':
        return S_ISBLK(info.st_mode);
    case 'c':
        return S_ISCHR(info.st_mode);
    case 'd':
        return S_ISDIR(info.st_mode);
    case 'f':
        return S_ISREG(info.st_mode);
    case 'g':
        return info.st_mode & S_ISGID;
    case 'h':
    case 'L':
        return S_ISLNK(info.st_mode);
    case 'p':
        return S_ISFIFO(info.st_mode);
    case 'r':
        return access(path, R_OK) == 0;
    case 's':
        return info.st_size > 0;
    case 'S':
        return S_ISSOCK(info.st_mode);
    case 'u':
        return info.st_mode & S_ISUID;
    case 'w':
        return access(path, W_OK) == 0;
    case 'x':
        return access(path, X_OK) == 0;
    default:
        return true; // e
    }
}

static long long integer(struct tester *tester, const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    while (*end == ' ')
        end++;
    if (end == text || *end || errno)
        complain(tester, text, "not a number");
    return value;
}

static bool is_unary(const char *word) {
    return word[0] == '-' && word[1] && !word[2] && strchr("bcdefghLnprsStuwxz", word[1]);
}

static bool unary(struct tester *tester, char letter, const char *operand) {
    if (letter == 'n')
        return *operand != 0;
    if (letter == 'z')
        return *operand == 0;
    if (letter == 't')
        return isatty((int)integer(tester, operand));
    return file_test(letter, operand);
}

static const char *const binaries[] = {"=", "==", "!=", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef"};

static int binary_index(const char *word) {
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        if (strcmp(binaries[i], word) == 0)
            return (int)i;
    }
    return -1;
}

static bool compare_files(int operation, const char *left, const char *right) {
    struct stat first, second;
    bool has_first = stat(left, &first) == 0;
    bool has_second = stat(right, &second) == 0;
    if (operation == 13)
        return has_first && has_second && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    if (operation == 12) {
        struct stat swap = first;
        first = second;
        second = swap;
        bool has = has_first;
        has_first = has_second;
        has_second = has;
    }
    if (!has_first || !has_second)
        return has_first;
    return first.st_mtim.tv_sec != second.st_mtim.tv_sec ? first.st_mtim.tv_sec > second.st_mtim.tv_sec
                                                         : first.st_mtim.tv_nsec > second.st_mtim.tv_nsec;
}

static bool binary(struct tester *tester, int operation, const char *left, const char *right) {
    int order = strcmp(left, right);
    if (operation < 2)
        return order == 0;
    if (operation == 2)
        return order != 0;
    if (operation < 5)
        return operation == 3 ? order < 0 : order > 0;
    if (operation > 10)
        return compare_files(operation, left, right);
    long long a = integer(tester, left);
    long long b = integer(tester, right);
    bool results[] = {a == b, a != b, a > b, a >= b, a < b, a <= b};
    return results[operation - 5];
}

static const char *word_at(const struct tester *tester, int ahead) {
    return tester->next + ahead < tester->count ? tester->words[tester->next + ahead] : NULL;
}

static bool parse_primary(struct tester *tester) {
    const char *word = word_at(tester, 0);
    const char *second = word_at(tester, 1);
    const char *third = word_at(tester, 2);
    if (!word)
        return complain(tester, "expression", "incomplete");
    int operation = second && third ? binary_index(second) : -1;
    if (operation >= 0) {
        tester->next += 3;
        return binary(tester, operation, word, third);
    }
    if (strcmp(word, "!") == 0 && second) {
        tester->next++;
        return !parse_primary(tester);
    }
    if (strcmp(word, "(") == 0 && second) {
        tester->next++;
        bool value = parse_or(tester);
        const char *close = word_at(tester, 0);
        if (!close || strcmp(close, ")") != 0)
            return complain(tester, "(", "not closed");
        tester->next++;
        return value;
    }
    if (second && is_unary(word)) {
        tester->next += 2;
        return unary(tester, word[1], second);
    }
    tester->next++;
    return *word != 0;
}

static bool take(struct tester *tester, const char *operation) {
    const char *word = word_at(tester, 0);
    if (!word || strcmp(word, operation) != 0)
        return false;
    tester->next++;
    return true;
}

static bool parse_and(struct tester *tester) {
    bool value = parse_primary(tester);
    while (take(tester, "-a")) {
        bool right = parse_primary(tester);
        value = value && right;
    }
    return value;
}

static bool parse_or(struct tester *tester) {
    bool value = parse_and(tester);
    while (take(tester, "-o")) {
        bool right = parse_and(tester);
        value = value || right;
    }
    return value;
}

// Up to four arguments: decided by their number, so that operands may look like operators.
static bool test_few(struct tester *tester, bool *decided) {
    char **words = tester->words;
    *decided = true;
    switch (tester->count) {
    case 0:
        return false;
    case 1:
        return *words[0] != 0;
    case 2:
        if (strcmp(words[0], "!") == 0)
            return !*words[1];
        if (is_unary(words[0]))
            return unary(tester, words[0][1], words[1]);
        return complain(tester, words[0], "unknown operator");
    case 3:
        if (binary_index(words[1]) >= 0)
            return binary(tester, binary_index(words[1]), words[0], words[2]);
        if (strcmp(words[0], "!") == 0 && is_unary(words[1]))
            return !unary(tester, words[1][1], words[2]);
        break;
    default:
        break;
    }
    *decided = false;
    return false;
}

int test_run(int argc, char **argv, struct buffer *error) {
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    if (strcmp(name, "[") == 0) {
        if (argc < 2 || strcmp(argv[argc - 1], "]") != 0) {
            buffer_append_text(error, "\"]\" missing");
            return 2;
        }
        argc--;
    }
    struct tester tester = {.words = argv + 1, .count = argc - 1, .error = error};
    bool decided;
    bool value = test_few(&tester, &decided);
    if (!decided) {
        value = parse_or(&tester);
        if (tester.next < tester.count)
            complain(&tester, tester.words[tester.next], "unexpected");
    }
    return error->length ? 2 : !value;
}
