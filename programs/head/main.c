// head: prints the first lines or bytes of files.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

static long long left_of(long long count, const char *block, ssize_t length, bool bytes, ssize_t *taken) {
    if (bytes) {
        *taken = length < count ? length : (ssize_t)count;
        return count - *taken;
    }
    const char *at = block, *end = block + length;
    while (count > 0 && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
        count -= newline != NULL;
    }
    *taken = at - block;
    return count;
}

static int head(int descriptor, const char *path, long long count, bool bytes) {
    static char block[65536];
    while (count > 0) {
        ssize_t length = read(descriptor, block, sizeof(block)), taken;
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0) {
            program_errno(path);
            return 1;
        }
        if (length == 0)
            break;
        count = left_of(count, block, length, bytes, &taken);
        fwrite(block, 1, (size_t)taken, stdout);
        if (taken < length) // what was not wanted is left to the next reader, where that is possible
            lseek(descriptor, taken - length, SEEK_CUR);
    }
    return 0;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-n LINES | -c BYTES] [FILE]...",
                  "  -n  how many lines (else 10); also -LINES\n  -c  how many bytes\n");
    long long count = 10;
    bool bytes = false, digits = false;
    for (int option; (option = program_option("n:c:q0123456789")) != -1;) {
        uint64_t size;
        if (option == 'n' || option == 'c') {
            bytes = option == 'c';
            if (!size_parse(program_argument, &size))
                program_usage_error("-%c: not a count: %s", option, program_argument);
            count = (long long)size;
        } else if (option != 'q') {
            count = (digits ? count * 10 : 0) + (option - '0');
            digits = true;
        }
    }
    if (program_operand_count == 0)
        return program_end(head(STDIN_FILENO, "standard input", count, bytes));
    int status = 0;
    for (int i = 0; i < program_operand_count; i++) {
        const char *path = program_operands[i];
        int descriptor = operand_open(path);
        if (descriptor < 0) {
            status = 1;
            continue;
        }
        if (program_operand_count > 1)
            printf("%s==> %s <==\n", i ? "\n" : "", strcmp(path, "-") == 0 ? "standard input" : path);
        status |= head(descriptor, path, count, bytes);
        if (descriptor != STDIN_FILENO)
            close(descriptor);
    }
    return program_end(status);
}
