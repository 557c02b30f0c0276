// tail: prints the end of files, and with -f what is appended to them. Files that can be positioned are read
// from the end; of others only as much as may be needed is kept.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

#define BLOCK              65536
#define FOLLOW_INTERVAL_NS 200000000L

static uint64_t count = 10;
static bool bytes = false, from_start = false;
static char block[BLOCK];

// Copies from the current position to the end; false after a message.
static bool copy_rest(int descriptor, const char *path) {
    for (;;) {
        ssize_t length = read(descriptor, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            program_errno(path);
        if (length <= 0)
            return length == 0;
        fwrite(block, 1, (size_t)length, stdout);
    }
}

// Where the last `count` lines start, found by reading backwards; -1 with errno.
static off_t lines_offset(int descriptor, off_t size) {
    uint64_t found = 0;
    for (off_t end = size; end > 0;) {
        off_t start = end > BLOCK ? end - BLOCK : 0;
        size_t want = (size_t)(end - start), have = 0;
        if (lseek(descriptor, start, SEEK_SET) < 0)
            return -1;
        while (have < want) {
            ssize_t length = read(descriptor, block + have, want - have);
            if (length <= 0)
                return -1;
            have += (size_t)length;
        }
        for (size_t i = want; i-- > 0;) {
            // The newline at the very end closes the last line, it does not start another.
            if (block[i] == '\n' && start + (off_t)i != size - 1 && ++found == count)
                return start + (off_t)i + 1;
        }
        end = start;
    }
    return 0;
}

static bool tail_positioned(int descriptor, const char *path, off_t size) {
    off_t start;
    if (bytes)
        start = (uint64_t)size > count ? size - (off_t)count : 0;
    else
        start = count ? lines_offset(descriptor, size) : size;
    if (start < 0 || lseek(descriptor, start, SEEK_SET) < 0) {
        program_errno(path);
        return false;
    }
    return copy_rest(descriptor, path);
}

static size_t stream_start(const struct buffer *kept) {
    if (bytes)
        return kept->length > count ? kept->length - (size_t)count : 0;
    uint64_t found = 0;
    for (size_t i = kept->length; i > 0; i--) {
        if (kept->data[i - 1] == '\n' && i != kept->length && found++ + 1 == count)
            return i;
    }
    return count ? 0 : kept->length;
}

static bool tail_stream(int descriptor, const char *path) {
    struct buffer kept;
    buffer_init(&kept);
    ssize_t length;
    for (;;) {
        length = read(descriptor, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            break;
        buffer_append(&kept, block, (size_t)length);
        if (kept.length > 16 * BLOCK)
            buffer_replace(&kept, 0, stream_start(&kept), NULL, 0);
    }
    if (length < 0)
        program_errno(path);
    size_t start = stream_start(&kept);
    fwrite(kept.data + start, 1, kept.length - start, stdout);
    buffer_free(&kept);
    return length == 0;
}

// +N: from line or byte N on.
static bool tail_from_start(int descriptor, const char *path) {
    uint64_t skip = count ? count - 1 : 0;
    while (skip) {
        ssize_t length = read(descriptor, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0) {
            if (length < 0)
                program_errno(path);
            return length == 0;
        }
        size_t at = 0;
        while (skip && at < (size_t)length) {
            if (bytes || block[at] == '\n')
                skip--;
            at++;
        }
        fwrite(block + at, 1, (size_t)length - at, stdout);
    }
    return copy_rest(descriptor, path);
}

static bool tail(int descriptor, const char *path) {
    if (from_start)
        return tail_from_start(descriptor, path);
    off_t size = lseek(descriptor, 0, SEEK_END);
    return size > 0 ? tail_positioned(descriptor, path, size) : tail_stream(descriptor, path);
}

// There is no event for a file that grows: it is looked at a few times a second.
static void follow(int descriptor, const char *path) {
    off_t at = lseek(descriptor, 0, SEEK_CUR);
    while (program_end(0) == 0) {
        struct timespec pause = {.tv_nsec = FOLLOW_INTERVAL_NS};
        nanosleep(&pause, NULL);
        off_t size = lseek(descriptor, 0, SEEK_END);
        if (at >= 0 && size < at) {
            program_error(path, "the file has become shorter");
            at = 0;
        }
        if (at >= 0)
            lseek(descriptor, at, SEEK_SET);
        if (!copy_rest(descriptor, path))
            return;
        at = lseek(descriptor, 0, SEEK_CUR);
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-f] [-n LINES | -c BYTES] [FILE]...",
                  "  -n  how many lines (else 10); +LINES: from that line on\n"
                  "  -c  how many bytes; +BYTES: from that byte on\n"
                  "  -f  go on with what is appended to the last file\n");
    bool follows = false, digits = false;
    for (int option; (option = program_option("n:c:fq0123456789")) != -1;) {
        if (option == 'f') {
            follows = true;
        } else if (option == 'n' || option == 'c') {
            bytes = option == 'c';
            from_start = program_argument[0] == '+';
            const char *digits_start = program_argument + (from_start || program_argument[0] == '-');
            if (!size_parse(digits_start, &count))
                program_usage_error("-%c: not a count: %s", option, program_argument);
        } else if (option != 'q') {
            count = (digits ? count * 10 : 0) + (uint64_t)(option - '0');
            digits = true;
        }
    }
    static char input[] = "-";
    char *defaults[] = {input, NULL};
    char **operands = program_operand_count ? program_operands : defaults;
    int status = 0;
    for (int i = 0; operands[i]; i++) {
        int descriptor = operand_open(operands[i]);
        if (descriptor < 0) {
            status = 1;
            continue;
        }
        const char *name = descriptor == STDIN_FILENO ? "standard input" : operands[i];
        if (program_operand_count > 1)
            printf("%s==> %s <==\n", i ? "\n" : "", name);
        status |= !tail(descriptor, name);
        if (follows && !operands[i + 1])
            follow(descriptor, name);
        if (descriptor != STDIN_FILENO)
            close(descriptor);
    }
    return program_end(status);
}
