// cmp: compares two files byte by byte. Exit status: 0 the same, 1 different, 2 an error.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

struct input {
    const char *path;
    int descriptor;
    size_t used, length;
    unsigned char block[65536];
};

// The next byte, or -1 at the end.
static int byte_next(struct input *input) {
    if (input->used == input->length) {
        ssize_t count;
        do
            count = read(input->descriptor, input->block, sizeof(input->block));
        while (count < 0 && errno == EINTR);
        if (count < 0) {
            program_errno(input->path);
            _exit(2);
        }
        if (count == 0)
            return -1;
        input->used = 0;
        input->length = (size_t)count;
    }
    return input->block[input->used++];
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-sl] FILE1 [FILE2]", "  -s  only the exit status   -l  every byte that differs\n");
    bool silent = false, list = false;
    for (int option; (option = program_option("sl")) != -1;) {
        silent |= option == 's';
        list |= option == 'l';
    }
    if (program_operand_count < 1 || program_operand_count > 2)
        program_usage_error("two files needed");
    static struct input inputs[2];
    for (int i = 0; i < 2; i++) {
        inputs[i].path = i < program_operand_count ? program_operands[i] : "-";
        inputs[i].descriptor = operand_open(inputs[i].path);
        if (inputs[i].descriptor < 0)
            return 2;
    }
    uint64_t line = 1;
    int status = 0, last = '\n';
    for (uint64_t at = 1;; at++) {
        int a = byte_next(&inputs[0]), b = byte_next(&inputs[1]);
        if (a < 0 && b < 0)
            return program_end(status);
        if (a < 0 || b < 0) {
            const char *shorter = inputs[a < 0 ? 0 : 1].path;
            if (!silent && at == 1)
                program_error(shorter, "is empty");
            else if (!silent)
                program_error(shorter, "ends after byte %llu, line %llu", (unsigned long long)at - 1,
                              (unsigned long long)(line - (last == '\n' && line > 1)));
            return program_end(1);
        }
        if (a != b && list) {
            printf("%llu %3o %3o\n", (unsigned long long)at, (unsigned)a, (unsigned)b);
            status = 1;
        } else if (a != b) {
            if (!silent)
                printf("%s %s differ: byte %llu, line %llu\n", inputs[0].path, inputs[1].path, (unsigned long long)at,
                       (unsigned long long)line);
            return program_end(1);
        }
        line += a == '\n';
        last = a;
    }
}
