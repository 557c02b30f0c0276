// sha256sum: prints or checks SHA-256 sums.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/lines.h"
#include "programs/common/program.h"
#include "programs/common/sha256.h"

// The sum as 64 digits; false after a message.
static bool file_sum(const char *path, char text[65]) {
    static char block[65536];
    int descriptor = operand_open(path);
    if (descriptor < 0)
        return false;
    struct sha256 hash;
    sha256_init(&hash);
    ssize_t length;
    while ((length = read(descriptor, block, sizeof(block))) > 0 || (length < 0 && errno == EINTR)) {
        if (length > 0)
            sha256_add(&hash, block, (size_t)length);
    }
    if (length < 0)
        program_errno(path);
    if (descriptor != STDIN_FILENO)
        close(descriptor);
    unsigned char digest[32];
    sha256_finish(&hash, digest);
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return length == 0;
}

// One file of lines "SUM  NAME"; false if anything is not as it should be.
static bool list_check(const char *list, bool quiet, bool silent) {
    int descriptor = operand_open(list);
    if (descriptor < 0)
        return false;
    struct line_reader reader;
    size_t length;
    char *line;
    unsigned long checked = 0, wrong = 0, unreadable = 0, malformed = 0;
    line_reader_init(&reader, descriptor);
    while ((line = line_reader_next(&reader, &length))) {
        if (length < 67 || strspn(line, "0123456789abcdefABCDEF") != 64 || line[64] != ' ' ||
            (line[65] != ' ' && line[65] != '*')) {
            malformed++;
            continue;
        }
        char sum[65];
        checked++;
        bool readable = file_sum(line + 66, sum);
        bool same = readable && strncmp(sum, line, 64) == 0;
        unreadable += !readable;
        wrong += readable && !same;
        if (!silent && !(quiet && same))
            printf("%s: %s\n", line + 66, !readable ? "FAILED open or read" : same ? "OK" : "FAILED");
    }
    line_reader_free(&reader);
    if (!checked)
        program_error(list, "no line with a sum");
    else if (malformed)
        program_error(list, "%lu lines are no sums", malformed);
    if (unreadable)
        program_error(list, "%lu files could not be read", unreadable);
    if (wrong)
        program_error(list, "%lu sums do not match", wrong);
    if (descriptor != STDIN_FILENO)
        close(descriptor);
    return checked && !wrong && !unreadable;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-cqs] [FILE]...",
                  "  -c  check the sums listed in FILE   -q  do not print OK   -s  only the exit status\n");
    bool check = false, quiet = false, silent = false;
    for (int option; (option = program_option("cqs")) != -1;) {
        check |= option == 'c';
        quiet |= option == 'q';
        silent |= option == 's';
    }
    static char input[] = "-";
    char *defaults[] = {input, NULL};
    bool done = true;
    for (char **path = program_operand_count ? program_operands : defaults; *path; path++) {
        char sum[65];
        if (check) {
            done &= list_check(*path, quiet, silent);
        } else if (file_sum(*path, sum)) {
            printf("%s  %s\n", sum, *path);
        } else {
            done = false;
        }
    }
    return program_end(!done);
}
