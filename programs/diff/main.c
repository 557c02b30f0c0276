// diff: shows by which lines two files differ, as a unified difference or the classic form. The shortest edit
// is found by Myers's algorithm ("An O(ND) difference algorithm", 1986) with its path kept, so memory grows
// with the square of the number of differences; beyond a limit the rest counts as different.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/lines.h"
#include "programs/common/program.h"

#define EDIT_MAX 3000

struct text {
    const char *path;
    char **lines;
    long count;
    bool ended_without_newline;
};

static bool unified = false, brief = false, recursive = false, ignore_space = false;
static long context = 3;

static void text_read(struct text *text, const char *path) {
    int descriptor = operand_open(path);
    if (descriptor < 0)
        exit(2);
    struct line_reader reader;
    size_t length;
    char *line;
    long capacity = 0;
    *text = (struct text){.path = path};
    line_reader_init(&reader, descriptor);
    while ((line = line_reader_next(&reader, &length))) {
        if (text->count == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            text->lines = memory_resize(text->lines, (size_t)capacity * sizeof(char *));
        }
        text->lines[text->count++] = string_copy(line);
    }
    if (reader.failed) {
        program_errno(path);
        exit(2);
    }
    text->ended_without_newline = reader.ended_without_newline;
    line_reader_free(&reader);
    if (descriptor != STDIN_FILENO)
        close(descriptor);
}

static void text_free(struct text *text) {
    for (long i = 0; i < text->count; i++)
        free(text->lines[i]);
    free(text->lines);
}

static bool lines_equal(const struct text *a, long i, const struct text *b, long j) {
    const char *left = a->lines[i], *right = b->lines[j];
    if (!ignore_space) {
        // The last line differs if only one of the two has its newline.
        bool left_open = a->ended_without_newline && i == a->count - 1;
        bool right_open = b->ended_without_newline && j == b->count - 1;
        return left_open == right_open && strcmp(left, right) == 0;
    }
    for (;;) {
        bool left_space = strchr(" \t", *left) && *left, right_space = strchr(" \t", *right) && *right;
        left += strspn(left, " \t");
        right += strspn(right, " \t");
        if (!*left || !*right)
            return !*left && !*right;
        if (left_space != right_space || *left != *right)
            return false;
        left++;
        right++;
    }
}

// Marks the lines that are only in one text. Diagonal k = i - j; furthest[k] is the i reached on it with d
// edits.
static void compare(const struct text *a, const struct text *b, bool *removed, bool *added) {
    long max = a->count + b->count < EDIT_MAX ? a->count + b->count : EDIT_MAX;
    long **history = memory_allocate((size_t)(max + 1) * sizeof(long *));
    long *furthest = memory_allocate((size_t)(2 * max + 3) * sizeof(long));
    long *middle = furthest + max + 1;
    long edits = 0, i, j;
    bool found = false;
    middle[1] = 0;
    for (; edits <= max && !found; edits++) {
        history[edits] = memory_allocate((size_t)(2 * edits + 1) * sizeof(long));
        for (long k = -edits; k <= edits; k += 2) {
            bool down = k == -edits || (k != edits && middle[k - 1] < middle[k + 1]);
            i = down ? middle[k + 1] : middle[k - 1] + 1;
            j = i - k;
            while (i < a->count && j < b->count && lines_equal(a, i, b, j)) {
                i++;
                j++;
            }
            middle[k] = i;
            history[edits][k + edits] = i;
            found |= i >= a->count && j >= b->count;
        }
    }
    // Walk back from the end; without a path everything counts as different.
    i = a->count;
    j = b->count;
    for (long d = edits - 1; found && d > 0; d--) {
        long k = i - j;
        const long *last = history[d - 1] + (d - 1);
        bool down = k == -d || (k != d && last[k - 1] < last[k + 1]);
        long from = down ? last[k + 1] : last[k - 1];
        if (down)
            added[from - (k + 1)] = true;
        else
            removed[from] = true;
        i = from;
        j = from - (down ? k + 1 : k - 1);
    }
    for (long n = 0; !found && n < a->count; n++)
        removed[n] = true;
    for (long n = 0; !found && n < b->count; n++)
        added[n] = true;
    for (long d = 0; d < edits; d++)
        free(history[d]);
    free(history);
    free(furthest);
}

static void line_print(const char *prefix, const struct text *text, long index) {
    printf("%s%s\n", prefix, text->lines[index]);
    if (text->ended_without_newline && index == text->count - 1)
        puts("\\ No newline at end of file");
}

struct change {
    long a, a_count, b, b_count;
};

// The next run of differences at or after (*i, *j); false if there is none.
static bool change_next(const struct text *a, const struct text *b, const bool *removed, const bool *added, long *i, long *j,
                        struct change *change) {
    while (*i < a->count && *j < b->count && !removed[*i] && !added[*j]) {
        (*i)++;
        (*j)++;
    }
    *change = (struct change){.a = *i, .b = *j};
    while (*i < a->count && removed[*i])
        (*i)++;
    while (*j < b->count && added[*j])
        (*j)++;
    change->a_count = *i - change->a;
    change->b_count = *j - change->b;
    return change->a_count || change->b_count;
}

static void range_print(long start, long count) {
    if (count > 1)
        printf("%ld,%ld", start + 1, start + count);
    else
        printf("%ld", count ? start + 1 : start);
}

static void change_print(const struct text *a, const struct text *b, const struct change *change) {
    range_print(change->a, change->a_count);
    putchar(!change->a_count ? 'a' : !change->b_count ? 'd' : 'c');
    range_print(change->b, change->b_count);
    putchar('\n');
    for (long n = 0; n < change->a_count; n++)
        line_print("< ", a, change->a + n);
    if (change->a_count && change->b_count)
        puts("---");
    for (long n = 0; n < change->b_count; n++)
        line_print("> ", b, change->b + n);
}

static void unified_range_print(char sign, long start, long count) {
    if (count == 1)
        printf("%c%ld", sign, start + 1);
    else
        printf("%c%ld,%ld", sign, count ? start + 1 : start, count);
}

// One hunk: changes[0..count) with the lines around them.
static void hunk_print(const struct text *a, const struct text *b, const struct change *changes, size_t count) {
    const struct change *last = &changes[count - 1];
    long before = changes[0].a < context ? changes[0].a : context;
    long a_start = changes[0].a - before, b_start = changes[0].b - before;
    long a_end = last->a + last->a_count + context;
    a_end = a_end < a->count ? a_end : a->count;
    long b_end = last->b + last->b_count + (a_end - last->a - last->a_count);
    printf("@@ ");
    unified_range_print('-', a_start, a_end - a_start);
    putchar(' ');
    unified_range_print('+', b_start, b_end - b_start);
    puts(" @@");
    long at = a_start;
    for (size_t n = 0; n < count; n++) {
        for (; at < changes[n].a; at++)
            line_print(" ", a, at);
        for (long k = 0; k < changes[n].a_count; k++)
            line_print("-", a, at++);
        for (long k = 0; k < changes[n].b_count; k++)
            line_print("+", b, changes[n].b + k);
    }
    for (; at < a_end; at++)
        line_print(" ", a, at);
}

static void unified_print(const struct text *a, const struct text *b, const struct change *changes, size_t count) {
    printf("--- %s\n+++ %s\n", a->path, b->path);
    for (size_t start = 0; start < count;) {
        size_t end = start + 1;
        while (end < count && changes[end].a - (changes[end - 1].a + changes[end - 1].a_count) <= 2 * context)
            end++;
        hunk_print(a, b, changes + start, end - start);
        start = end;
    }
}

static int files_compare(const char *left, const char *right) {
    struct text a, b;
    text_read(&a, left);
    text_read(&b, right);
    bool *removed = memory_allocate((size_t)a.count + 1), *added = memory_allocate((size_t)b.count + 1);
    memset(removed, 0, (size_t)a.count + 1);
    memset(added, 0, (size_t)b.count + 1);
    compare(&a, &b, removed, added);
    struct change *changes = NULL, change;
    size_t count = 0;
    for (long i = 0, j = 0; change_next(&a, &b, removed, added, &i, &j, &change);) {
        changes = memory_resize(changes, (count + 1) * sizeof(*changes));
        changes[count++] = change;
    }
    if (count && brief)
        printf("Files %s and %s differ\n", left, right);
    else if (count && unified)
        unified_print(&a, &b, changes, count);
    for (size_t n = 0; !brief && !unified && n < count; n++)
        change_print(&a, &b, &changes[n]);
    free(changes);
    free(removed);
    free(added);
    text_free(&a);
    text_free(&b);
    return count != 0;
}

static int paths_compare(const char *left, const char *right);

static int directories_compare(const char *left, const char *right) {
    struct directory_list a, b;
    if (!directory_read(left, &a) || !directory_read(right, &b)) {
        program_errno(left);
        return 2;
    }
    int status = 0;
    for (size_t i = 0, j = 0; i < a.count || j < b.count;) {
        int order = i >= a.count ? 1 : j >= b.count ? -1 : strcmp(a.names[i], b.names[j]);
        if (order != 0) {
            printf("Only in %s: %s\n", order < 0 ? left : right, order < 0 ? a.names[i++] : b.names[j++]);
            status = status > 1 ? status : 1;
            continue;
        }
        char *from = path_join(left, a.names[i++]), *to = path_join(right, b.names[j++]);
        int result = paths_compare(from, to);
        status = result > status ? result : status;
        free(from);
        free(to);
    }
    directory_free(&a);
    directory_free(&b);
    return status;
}

static int paths_compare(const char *left, const char *right) {
    struct stat a, b;
    if (lstat(left, &a) == 0 && lstat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return 0;
    if ((strcmp(left, "-") && stat(left, &a) != 0) || (strcmp(right, "-") && stat(right, &b) != 0)) {
        program_errno(strcmp(left, "-") && stat(left, &a) != 0 ? left : right);
        return 2;
    }
    bool left_directory = strcmp(left, "-") && S_ISDIR(a.st_mode), right_directory = strcmp(right, "-") && S_ISDIR(b.st_mode);
    if (left_directory && right_directory) {
        if (recursive)
            return directories_compare(left, right);
        printf("Common subdirectories: %s and %s\n", left, right);
        return 0;
    }
    if (!left_directory && !right_directory)
        return files_compare(left, right);
    char *base = path_base(left_directory ? right : left);
    char *inside = path_join(left_directory ? left : right, base);
    int status = left_directory ? files_compare(inside, right) : files_compare(left, inside);
    free(inside);
    free(base);
    return status;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-uqrb] [-U LINES] OLD NEW",
                  "  -u  unified form with 3 lines around   -U  with so many lines around\n"
                  "  -q  only whether they differ           -r  everything below directories\n"
                  "  -b  ignore how much white space there is\n"
                  "Exit status: 0 the same, 1 different, 2 an error.\n");
    for (int option; (option = program_option("uqrbU:")) != -1;) {
        unified |= option == 'u' || option == 'U';
        brief |= option == 'q';
        recursive |= option == 'r';
        ignore_space |= option == 'b';
        if (option == 'U')
            context = (long)number_parse(program_argument, "-U");
    }
    if (program_operand_count != 2 || context < 0)
        program_usage_error("two files needed");
    struct stat a, b;
    if (stat(program_operands[0], &a) == 0 && stat(program_operands[1], &b) == 0 && S_ISDIR(a.st_mode) && S_ISDIR(b.st_mode))
        return program_end(directories_compare(program_operands[0], program_operands[1]));
    return program_end(paths_compare(program_operands[0], program_operands[1]));
}
