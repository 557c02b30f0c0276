// tr: replaces, removes or squeezes bytes. Sets are strings with ranges, classes and backslash escapes.
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/escape.h"
#include "programs/common/program.h"

static void class_append(struct buffer *set, const char *name, size_t length) {
    static const struct {
        const char *name;
        int (*test)(int);
    } classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
                   {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
                   {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strlen(classes[i].name) == length && strncmp(classes[i].name, name, length) == 0) {
            for (int c = 0; c < 256; c++) {
                if (classes[i].test(c))
                    buffer_append_byte(set, (char)c);
            }
            return;
        }
    }
    program_usage_error("unknown class: %.*s", (int)length, name);
}

// One byte of a set, escapes decoded.
static unsigned char byte_take(const char **text) {
    size_t length = 1;
    if (**text == '\\' && (*text)[1]) {
        length = 2;
        while (length < 4 && (*text)[1] >= '0' && (*text)[1] <= '7' && (*text)[length] >= '0' && (*text)[length] <= '7')
            length++;
    }
    struct buffer decoded;
    buffer_init(&decoded);
    escape_decode(&decoded, *text, length, ESCAPE_PRINTF);
    unsigned char byte = (unsigned char)decoded.data[decoded.length > 1 ? decoded.length - 1 : 0];
    buffer_free(&decoded);
    *text += length;
    return byte;
}

static void set_parse(struct buffer *set, const char *text) {
    buffer_init(set);
    while (*text) {
        const char *end = text[0] == '[' && text[1] == ':' ? strstr(text + 2, ":]") : NULL;
        if (end) {
            class_append(set, text + 2, (size_t)(end - text - 2));
            text = end + 2;
            continue;
        }
        unsigned char first = byte_take(&text);
        unsigned last = first;
        if (text[0] == '-' && text[1]) {
            text++;
            last = byte_take(&text);
            if (last < first)
                program_usage_error("range is backwards: %c-%c", first, last);
        }
        for (unsigned c = first; c <= last; c++)
            buffer_append_byte(set, (char)c);
    }
}

static void set_complement(struct buffer *set) {
    struct buffer others;
    buffer_init(&others);
    for (int c = 0; c < 256; c++) {
        if (!memchr(set->data, c, set->length))
            buffer_append_byte(&others, (char)c);
    }
    buffer_free(set);
    *set = others;
}

struct table {
    unsigned char map[256];
    bool remove[256], squeeze[256];
};

static void translate(const struct table *table) {
    static unsigned char block[65536];
    int last = -1;
    for (;;) {
        ssize_t length = read(STDIN_FILENO, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            program_fail("standard input", "%s", error_text(errno));
        if (length == 0)
            return;
        size_t used = 0;
        for (ssize_t i = 0; i < length; i++) {
            unsigned char c = block[i];
            if (table->remove[c])
                continue;
            c = table->map[c];
            if (table->squeeze[c] && c == last)
                continue;
            last = c;
            block[used++] = c;
        }
        fwrite(block, 1, used, stdout);
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-cds] SET1 [SET2]",
                  "  -c  everything but SET1   -d  remove   -s  repeated bytes become one\n"
                  "Sets: a-z, [:alpha:], \\n, \\ooo.\n");
    bool complement = false, remove_bytes = false, squeeze = false;
    for (int option; (option = program_option("cCds")) != -1;) {
        complement |= option == 'c' || option == 'C';
        remove_bytes |= option == 'd';
        squeeze |= option == 's';
    }
    int count = program_operand_count;
    bool translates = count == 2 && !remove_bytes;
    if (count < 1 || count > 2 || (count == 1 && !remove_bytes && !squeeze))
        program_usage_error("one or two sets needed");
    struct buffer from, to = {0};
    set_parse(&from, program_operands[0]);
    if (complement)
        set_complement(&from);
    if (count == 2)
        set_parse(&to, program_operands[1]);
    if (translates && to.length == 0)
        program_usage_error("SET2 is empty");
    struct table table = {0};
    for (int c = 0; c < 256; c++)
        table.map[c] = (unsigned char)c;
    for (size_t i = 0; i < from.length; i++) {
        unsigned char c = (unsigned char)from.data[i];
        if (remove_bytes)
            table.remove[c] = true;
        else if (translates) // the last byte of a short SET2 goes on
            table.map[c] = (unsigned char)to.data[i < to.length ? i : to.length - 1];
    }
    const struct buffer *squeezed = count == 2 ? &to : &from;
    for (size_t i = 0; squeeze && i < squeezed->length; i++)
        table.squeeze[(unsigned char)squeezed->data[i]] = true;
    translate(&table);
    buffer_free(&from);
    if (to.data)
        buffer_free(&to);
    return program_end(0);
}
