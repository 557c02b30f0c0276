// dd: copies blocks between files and devices, and tells on standard error how fast.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

struct job {
    const char *input, *output;
    uint64_t block_size, count, skip, seek;
    bool truncate, sync_at_end, sync_blocks, ignore_errors, quiet;
};

struct result {
    uint64_t full_in, partial_in, full_out, partial_out, bytes;
};

static void conversions_parse(struct job *job, const char *text) {
    static const struct {
        const char *name;
        size_t offset;
        bool value;
    } conversions[] = {{"notrunc", offsetof(struct job, truncate), false},
                       {"fsync", offsetof(struct job, sync_at_end), true},
                       {"fdatasync", offsetof(struct job, sync_at_end), true},
                       {"sync", offsetof(struct job, sync_blocks), true},
                       {"noerror", offsetof(struct job, ignore_errors), true}};
    while (*text) {
        size_t length = strcspn(text, ",");
        bool found = false;
        for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++) {
            if (strlen(conversions[i].name) == length && strncmp(text, conversions[i].name, length) == 0) {
                *(bool *)((char *)job + conversions[i].offset) = conversions[i].value;
                found = true;
            }
        }
        if (!found)
            program_usage_error("conv: unknown: %.*s", (int)length, text);
        text += length + (text[length] == ',');
    }
}

static void number_set(uint64_t *target, const char *name, const char *text) {
    if (!size_parse(text, target))
        program_usage_error("%s: not a number: %s", name, text);
}

static void operand_parse(struct job *job, const char *operand) {
    const char *value = strchr(operand, '=');
    size_t length = value ? (size_t)(value - operand) : 0;
    if (!value)
        program_usage_error("not NAME=VALUE: %s", operand);
    value++;
    if (strncmp(operand, "if", length) == 0)
        job->input = value;
    else if (strncmp(operand, "of", length) == 0)
        job->output = value;
    else if (strncmp(operand, "bs", length) == 0)
        number_set(&job->block_size, "bs", value);
    else if (strncmp(operand, "count", length) == 0)
        number_set(&job->count, "count", value);
    else if (strncmp(operand, "skip", length) == 0)
        number_set(&job->skip, "skip", value);
    else if (strncmp(operand, "seek", length) == 0)
        number_set(&job->seek, "seek", value);
    else if (strncmp(operand, "conv", length) == 0)
        conversions_parse(job, value);
    else if (strncmp(operand, "status", length) == 0)
        job->quiet = strcmp(value, "none") == 0;
    else
        program_usage_error("unknown operand: %s", operand);
}

static void position(const struct job *job, int input, int output, char *block) {
    if (job->skip && lseek(input, (off_t)(job->skip * job->block_size), SEEK_CUR) < 0) {
        for (uint64_t i = 0; i < job->skip; i++) { // a pipe: read over it
            if (read(input, block, job->block_size) <= 0)
                break;
        }
    }
    off_t start = (off_t)(job->seek * job->block_size);
    // What lies behind the start goes, unless notrunc; devices and pipes can't be cut.
    if (job->truncate && job->output && ftruncate(output, start) != 0 && errno != EINVAL)
        program_fail(job->output, "%s", error_text(errno));
    if (job->seek && lseek(output, start, SEEK_CUR) < 0)
        program_fail(job->output ? job->output : "standard output", "%s", error_text(errno));
}

// Copies; false after a message. What was done is in the result either way.
static bool copy(const struct job *job, int input, int output, char *block, struct result *result) {
    bool done = true;
    for (uint64_t i = 0; i < job->count; i++) {
        ssize_t length = read(input, block, job->block_size);
        if (length < 0 && errno == EINTR) {
            i--;
            continue;
        }
        if (length < 0) {
            program_errno(job->input ? job->input : "standard input");
            done = false;
            if (!job->ignore_errors)
                return false;
            lseek(input, (off_t)job->block_size, SEEK_CUR);
            if (!job->sync_blocks)
                continue;
            length = 0;
        } else if (length == 0) {
            return done;
        }
        bool full = (uint64_t)length == job->block_size;
        result->full_in += full;
        result->partial_in += !full;
        if (!full && job->sync_blocks) {
            memset(block + length, 0, job->block_size - (size_t)length);
            length = (ssize_t)job->block_size;
            full = true;
        }
        if (!descriptor_write(output, block, (size_t)length)) {
            program_errno(job->output ? job->output : "standard output");
            return false;
        }
        result->full_out += full;
        result->partial_out += !full;
        result->bytes += (uint64_t)length;
    }
    return done;
}

static void report(const struct result *result, uint64_t nanoseconds) {
    char size[16], rate[16];
    fprintf(stderr, "%llu+%llu records in\n%llu+%llu records out\n", (unsigned long long)result->full_in,
            (unsigned long long)result->partial_in, (unsigned long long)result->full_out,
            (unsigned long long)result->partial_out);
    uint64_t microseconds = nanoseconds / 1000 ? nanoseconds / 1000 : 1;
    uint64_t per_second =
        result->bytes > UINT64_MAX / 1000000 ? result->bytes / microseconds * 1000000 : result->bytes * 1000000 / microseconds;
    size_text(result->bytes, size);
    size_text(per_second, rate);
    fprintf(stderr, "%llu bytes (%s) copied, %llu.%06llu s, %s/s\n", (unsigned long long)result->bytes, size,
            (unsigned long long)(nanoseconds / 1000000000), (unsigned long long)(nanoseconds / 1000 % 1000000), rate);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[if=FILE] [of=FILE] [bs=SIZE] [count=N] [skip=N] [seek=N] [conv=LIST] [status=none]",
                  "  if, of  files instead of standard input and output\n"
                  "  bs      bytes in a block (else 512); k, M, G are units\n"
                  "  count   how many blocks\n"
                  "  skip    blocks to leave out at the start of the input\n"
                  "  seek    blocks to leave as they are at the start of the output\n"
                  "  conv    notrunc, fsync, sync (fill blocks with zeroes), noerror (go on)\n");
    struct job job = {.block_size = 512, .count = UINT64_MAX, .truncate = true};
    program_option("");
    for (char **operand = program_operands; *operand; operand++)
        operand_parse(&job, *operand);
    if (job.block_size == 0 || job.block_size > 1u << 30)
        program_usage_error("bs: from 1 to 1G");
    int input = job.input ? open(job.input, O_RDONLY) : STDIN_FILENO;
    if (input < 0)
        program_fail(job.input, "%s", error_text(errno));
    int output = job.output ? open(job.output, O_WRONLY | O_CREAT, 0666) : STDOUT_FILENO;
    if (output < 0)
        program_fail(job.output, "%s", error_text(errno));
    char *block = memory_allocate((size_t)job.block_size);
    struct timespec start, end;
    struct result result = {0};
    clock_gettime(CLOCK_MONOTONIC, &start);
    position(&job, input, output, block);
    bool done = copy(&job, input, output, block, &result);
    if (job.sync_at_end && fsync(output) != 0) {
        program_errno(job.output ? job.output : "standard output");
        done = false;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (job.output && close(output) != 0) {
        program_errno(job.output);
        done = false;
    }
    if (!job.quiet)
        report(&result, (uint64_t)(end.tv_sec - start.tv_sec) * 1000000000u + (uint64_t)end.tv_nsec - (uint64_t)start.tv_nsec);
    free(block);
    return !done;
}
