// hexdump: shows bytes in hexadecimal, with -C beside the characters. Lines that repeat are shown as one "*".
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

static bool canonical = false, show_all = false;
static uint64_t limit = UINT64_MAX, skip = 0;

static void line_print(uint64_t offset, const unsigned char *bytes, size_t length) {
    if (!canonical) {
        printf("%07llx", (unsigned long long)offset);
        for (size_t i = 0; i < 16; i += 2) {
            if (i < length) // two bytes as one little-endian word
                printf(" %04x", bytes[i] | (unsigned)(i + 1 < length ? bytes[i + 1] : 0) << 8);
            else
                printf("     ");
        }
        putchar('\n');
        return;
    }
    printf("%08llx ", (unsigned long long)offset);
    for (size_t i = 0; i < 16; i++) {
        if (i < length)
            printf("%s%02x", i == 8 ? "  " : " ", bytes[i]);
        else
            printf("%s", i == 8 ? "    " : "   ");
    }
    printf("  |");
    for (size_t i = 0; i < length; i++)
        putchar(bytes[i] >= 32 && bytes[i] < 127 ? bytes[i] : '.');
    puts("|");
}

struct dump {
    uint64_t offset; // of the line being collected
    unsigned char line[16], last[16];
    size_t length;
    bool has_last, starred;
};

static void line_finish(struct dump *dump) {
    bool repeated = dump->has_last && dump->length == 16 && !show_all && memcmp(dump->line, dump->last, 16) == 0;
    if (!repeated)
        line_print(dump->offset, dump->line, dump->length);
    else if (!dump->starred)
        puts("*");
    dump->starred = repeated;
    memcpy(dump->last, dump->line, 16);
    dump->has_last = true;
    dump->offset += dump->length;
    dump->length = 0;
}

static bool stream_dump(struct dump *dump, int descriptor, const char *path) {
    static unsigned char block[65536];
    while (limit) {
        ssize_t count = read(descriptor, block, sizeof(block));
        if (count < 0)
            program_errno(path);
        if (count <= 0)
            return count == 0;
        for (ssize_t i = 0; i < count && limit; i++) {
            if (skip) {
                skip--;
                dump->offset++;
                continue;
            }
            dump->line[dump->length++] = block[i];
            limit--;
            if (dump->length == 16)
                line_finish(dump);
        }
    }
    return true;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-Cv] [-n BYTES] [-s BYTES] [FILE]...",
                  "  -C  bytes and characters     -v  lines that repeat as well\n"
                  "  -n  how many bytes           -s  how many to skip\n");
    for (int option; (option = program_option("Cvn:s:")) != -1;) {
        canonical |= option == 'C';
        show_all |= option == 'v';
        if (option == 'n' || option == 's') {
            if (!size_parse(program_argument, option == 'n' ? &limit : &skip))
                program_usage_error("-%c: not a count: %s", option, program_argument);
        }
    }
    static char input[] = "-";
    char *defaults[] = {input, NULL};
    struct dump dump = {0};
    int status = 0;
    for (char **path = program_operand_count ? program_operands : defaults; *path; path++) {
        int descriptor = operand_open(*path);
        if (descriptor < 0 || !stream_dump(&dump, descriptor, *path))
            status = 1;
        if (descriptor > STDIN_FILENO)
            close(descriptor);
    }
    if (dump.length)
        line_finish(&dump);
    if (dump.offset)
        printf(canonical ? "%08llx\n" : "%07llx\n", (unsigned long long)dump.offset);
    return program_end(status);
}
