// sort: orders lines. All lines are held in memory; equal ones keep their order.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/lines.h"
#include "programs/common/program.h"

struct key {
    long first_field, first_byte;             // from 1
    long last_field, last_byte;               // 0: to the end of the line; last_byte 0: to the end of the field
    bool numeric, reverse, blanks, fold, any; // `any`: has letters of its own
};

static struct key keys[16];
static int key_count = 0;
static struct key whole; // the options without a key
static int separator = -1;
static bool unique = false, stable = false, check = false;
static int status = 0;

struct line {
    char *text;
    size_t length;
};

// The start of field `number` (from 1), or the end of the line.
static const char *field_start(const char *text, const char *end, long number) {
    for (; number > 1 && text < end; number--) {
        if (separator >= 0) {
            const char *found = memchr(text, separator, (size_t)(end - text));
            text = found ? found + 1 : end;
        } else {
            while (text < end && isblank((unsigned char)*text))
                text++;
            while (text < end && !isblank((unsigned char)*text))
                text++;
        }
    }
    return text;
}

static const char *field_end(const char *text, const char *end) {
    if (separator >= 0) {
        const char *found = memchr(text, separator, (size_t)(end - text));
        return found ? found : end;
    }
    while (text < end && isblank((unsigned char)*text))
        text++;
    while (text < end && !isblank((unsigned char)*text))
        text++;
    return text;
}

static const char *skip_blanks(const char *text, const char *end) {
    while (text < end && isblank((unsigned char)*text))
        text++;
    return text;
}

static void key_range(const struct key *key, const struct line *line, const char **start, const char **end) {
    const char *stop = line->text + line->length;
    *start = field_start(line->text, stop, key->first_field);
    if (key->blanks)
        *start = skip_blanks(*start, stop);
    *start = stop - *start < key->first_byte - 1 ? stop : *start + (key->first_byte - 1);
    *end = stop;
    if (key->last_field) {
        const char *field = field_start(line->text, stop, key->last_field);
        const char *last = field_end(field, stop);
        if (key->last_byte) {
            if (key->blanks)
                field = skip_blanks(field, stop);
            last = stop - field < key->last_byte ? stop : field + key->last_byte;
        }
        *end = last < *start ? *start : last;
    }
}

// Compares two decimal numbers as written, of any length; text that is none counts as 0.
struct decimal {
    bool negative;
    const char *whole, *whole_end, *fraction, *fraction_end;
};

static struct decimal decimal_parse(const char *text, const char *end) {
    struct decimal decimal = {0};
    text = skip_blanks(text, end);
    if (text < end && *text == '-') {
        decimal.negative = true;
        text++;
    }
    while (text < end && *text == '0')
        text++;
    decimal.whole = text;
    while (text < end && isdigit((unsigned char)*text))
        text++;
    decimal.whole_end = text;
    decimal.fraction = decimal.fraction_end = text;
    if (text < end && *text == '.') {
        decimal.fraction = ++text;
        while (text < end && isdigit((unsigned char)*text))
            text++;
        while (text > decimal.fraction && text[-1] == '0')
            text--;
        decimal.fraction_end = text;
    }
    if (decimal.whole == decimal.whole_end && decimal.fraction == decimal.fraction_end)
        decimal.negative = false;
    return decimal;
}

static int range_compare(const char *a, const char *a_end, const char *b, const char *b_end, bool fold) {
    for (; a < a_end && b < b_end; a++, b++) {
        int left = (unsigned char)*a, right = (unsigned char)*b;
        if (fold) {
            left = toupper(left);
            right = toupper(right);
        }
        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a < a_end) - (b < b_end);
}

static int number_compare(const char *a, const char *a_end, const char *b, const char *b_end) {
    struct decimal left = decimal_parse(a, a_end), right = decimal_parse(b, b_end);
    if (left.negative != right.negative)
        return left.negative ? -1 : 1;
    long difference = (left.whole_end - left.whole) - (right.whole_end - right.whole);
    int order =
        difference ? (difference < 0 ? -1 : 1) : range_compare(left.whole, left.whole_end, right.whole, right.whole_end, false);
    if (order == 0)
        order = range_compare(left.fraction, left.fraction_end, right.fraction, right.fraction_end, false);
    return left.negative ? -order : order;
}

static int key_compare(const struct key *key, const struct line *a, const struct line *b) {
    const char *a_start, *a_end, *b_start, *b_end;
    key_range(key, a, &a_start, &a_end);
    key_range(key, b, &b_start, &b_end);
    int order =
        key->numeric ? number_compare(a_start, a_end, b_start, b_end) : range_compare(a_start, a_end, b_start, b_end, key->fold);
    return key->reverse ? -order : order;
}

static int keys_compare(const struct line *a, const struct line *b) {
    for (int i = 0; i < key_count; i++) {
        int order = key_compare(&keys[i], a, b);
        if (order)
            return order;
    }
    return key_count ? 0 : key_compare(&whole, a, b);
}

static int line_compare(const struct line *a, const struct line *b) {
    int order = keys_compare(a, b);
    if (order || unique || stable)
        return order;
    order = range_compare(a->text, a->text + a->length, b->text, b->text + b->length, false);
    return whole.reverse ? -order : order;
}

static void merge_sort(struct line *lines, struct line *scratch, size_t count) {
    if (count < 2)
        return;
    size_t half = count / 2;
    merge_sort(lines, scratch, half);
    merge_sort(lines + half, scratch, count - half);
    memcpy(scratch, lines, half * sizeof(*lines));
    size_t left = 0, right = half, out = 0;
    while (left < half && right < count)
        lines[out++] = line_compare(&lines[right], &scratch[left]) < 0 ? lines[right++] : scratch[left++];
    while (left < half)
        lines[out++] = scratch[left++];
}

static bool letter_apply(struct key *key, char letter) {
    key->numeric |= letter == 'n';
    key->reverse |= letter == 'r';
    key->blanks |= letter == 'b';
    key->fold |= letter == 'f';
    return letter && strchr("nrbf", letter);
}

// FIELD[.BYTE][letters][,FIELD[.BYTE][letters]]
static void key_add(const char *text) {
    const char *whole_text = text;
    if (key_count == 16)
        program_usage_error("-k: too many keys");
    struct key *key = &keys[key_count++];
    *key = (struct key){.first_byte = 1};
    for (int part = 0; part < 2; part++) {
        char *end;
        long field = strtol(text, &end, 10);
        long byte = part ? 0 : 1;
        if (end == text || field < 1)
            program_usage_error("-k: not a key: %s", whole_text);
        if (*end == '.')
            byte = strtol(end + 1, &end, 10);
        while (letter_apply(key, *end)) {
            key->any = true;
            end++;
        }
        if (part) {
            key->last_field = field;
            key->last_byte = byte;
        } else {
            key->first_field = field;
            key->first_byte = byte < 1 ? 1 : byte;
        }
        text = end;
        if (*text != ',')
            break;
        text++;
    }
    if (*text)
        program_usage_error("-k: not a key: %s", whole_text);
}

static void lines_read(const char *path, struct line **lines, size_t *count, size_t *capacity) {
    int descriptor = operand_open(path);
    if (descriptor < 0) {
        status = 2;
        return;
    }
    struct line_reader reader;
    line_reader_init(&reader, descriptor);
    size_t length;
    char *text;
    while ((text = line_reader_next(&reader, &length))) {
        if (*count == *capacity) {
            *capacity = *capacity ? *capacity * 2 : 256;
            *lines = memory_resize(*lines, *capacity * sizeof(struct line));
        }
        struct line *line = &(*lines)[(*count)++];
        *line = (struct line){memory_allocate(length + 1), length};
        memcpy(line->text, text, length + 1);
    }
    if (reader.failed) {
        program_errno(path);
        status = 2;
    }
    line_reader_free(&reader);
    if (descriptor != STDIN_FILENO)
        close(descriptor);
}

static const char *options_take(void) {
    const char *output = NULL;
    for (int option; (option = program_option("nrubfsck:t:o:")) != -1;) {
        switch (option) {
        case 'k':
            key_add(program_argument);
            break;
        case 't':
            if (!program_argument[0] || program_argument[1])
                program_usage_error("-t: not one character: %s", program_argument);
            separator = (unsigned char)program_argument[0];
            break;
        case 'o':
            output = program_argument;
            break;
        case 'u':
            unique = true;
            break;
        case 's':
            stable = true;
            break;
        case 'c':
            check = true;
            break;
        default:
            letter_apply(&whole, (char)option);
        }
    }
    for (int i = 0; i < key_count; i++) {
        if (keys[i].any)
            continue;
        keys[i].numeric = whole.numeric;
        keys[i].reverse = whole.reverse;
        keys[i].blanks = whole.blanks;
        keys[i].fold = whole.fold;
    }
    return output;
}

static int order_check(const struct line *lines, size_t count) {
    for (size_t i = 1; i < count; i++) {
        int order = line_compare(&lines[i - 1], &lines[i]);
        if (order > 0 || (unique && order == 0)) {
            program_error(NULL, "line %zu is out of order: %s", i + 1, lines[i].text);
            return 1;
        }
    }
    return status;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-nrubfsc] [-t CHARACTER] [-k KEY]... [-o FILE] [FILE]...",
                  "  -n  as numbers            -r  the other way round\n"
                  "  -u  each line once        -f  ignore case\n"
                  "  -b  ignore leading blanks -s  keep equal lines in order\n"
                  "  -c  only check the order  -t  what separates fields (else blanks)\n"
                  "  -k FIELD[.BYTE][nrbf][,FIELD[.BYTE]]  what to compare\n"
                  "  -o  write to FILE, which may be one that is read\n");
    whole = (struct key){.first_field = 1, .first_byte = 1};
    const char *output = options_take();
    struct line *lines = NULL;
    size_t count = 0, capacity = 0;
    static char input[] = "-";
    char *defaults[] = {input, NULL};
    for (char **path = program_operand_count ? program_operands : defaults; *path; path++)
        lines_read(*path, &lines, &count, &capacity);
    if (check)
        return order_check(lines, count);
    struct line *scratch = memory_allocate((count / 2 + 1) * sizeof(struct line));
    merge_sort(lines, scratch, count);
    if (output && !freopen(output, "w", stdout))
        program_fail(output, "%s", error_text(errno));
    for (size_t i = 0; i < count; i++) {
        if (unique && i && keys_compare(&lines[i - 1], &lines[i]) == 0)
            continue;
        fwrite(lines[i].text, 1, lines[i].length, stdout);
        putchar('\n');
    }
    return program_end(status);
}
