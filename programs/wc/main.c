// wc: counts lines, words, characters and bytes.
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

struct counts {
    uint64_t lines, words, characters, bytes;
};

static bool show_lines, show_words, show_characters, show_bytes;
static int width = 1;

static bool count(int descriptor, const char *path, struct counts *counts) {
    static char block[65536];
    bool in_word = false;
    for (;;) {
        ssize_t length = read(descriptor, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            program_errno(path);
        if (length <= 0)
            return length == 0;
        counts->bytes += (uint64_t)length;
        for (ssize_t i = 0; i < length; i++) {
            unsigned char c = (unsigned char)block[i];
            counts->lines += c == '\n';
            counts->characters += (c & 0xc0) != 0x80;
            bool space = isspace(c) != 0;
            counts->words += !space && !in_word;
            in_word = !space;
        }
    }
}

static void print(const struct counts *counts, const char *name) {
    const char *before = "";
    const uint64_t values[] = {counts->lines, counts->words, counts->characters, counts->bytes};
    const bool shown[] = {show_lines, show_words, show_characters, show_bytes};
    for (int i = 0; i < 4; i++) {
        if (shown[i]) {
            printf("%s%*llu", before, width, (unsigned long long)values[i]);
            before = " ";
        }
    }
    printf("%s%s\n", name ? " " : "", name ? name : "");
}

// Wide enough for the largest sum that the sizes allow; 7 where these are not known.
static int width_choose(void) {
    uint64_t sum = 0;
    bool several = show_lines + show_words + show_characters + show_bytes > 1 || program_operand_count > 1;
    struct stat info;
    for (char **path = program_operands; *path; path++) {
        if (stat(*path, &info) != 0)
            continue;
        if (!S_ISREG(info.st_mode))
            return 7;
        sum += (uint64_t)info.st_size;
    }
    if (!several)
        return 1;
    if (program_operand_count == 0 && (fstat(STDIN_FILENO, &info) != 0 || !S_ISREG(info.st_mode)))
        return 7;
    if (program_operand_count == 0)
        sum = (uint64_t)info.st_size;
    return snprintf(NULL, 0, "%llu", (unsigned long long)sum);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-lwmc] [FILE]...",
                  "  -l  lines   -w  words   -m  characters   -c  bytes   (else lines, words, bytes)\n");
    for (int option; (option = program_option("lwmc")) != -1;) {
        show_lines |= option == 'l';
        show_words |= option == 'w';
        show_characters |= option == 'm';
        show_bytes |= option == 'c';
    }
    if (!show_lines && !show_words && !show_characters && !show_bytes)
        show_lines = show_words = show_bytes = true;
    width = width_choose();
    struct counts total = {0};
    if (program_operand_count == 0) {
        bool done = count(STDIN_FILENO, "standard input", &total);
        print(&total, NULL);
        return program_end(!done);
    }
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        struct counts counts = {0};
        int descriptor = operand_open(*path);
        if (descriptor < 0) {
            status = 1;
            continue;
        }
        status |= !count(descriptor, *path, &counts);
        print(&counts, *path);
        total.lines += counts.lines;
        total.words += counts.words;
        total.characters += counts.characters;
        total.bytes += counts.bytes;
        if (descriptor != STDIN_FILENO)
            close(descriptor);
    }
    if (program_operand_count > 1)
        print(&total, "total");
    return program_end(status);
}
