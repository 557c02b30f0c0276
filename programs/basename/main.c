// basename: the last part of a path, optionally without a suffix.
#include <stdio.h>
#include <string.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "PATH [SUFFIX]", "");
    program_option("");
    if (program_operand_count < 1 || program_operand_count > 2)
        program_usage_error("a path and at most one suffix needed");
    char *base = path_base(program_operands[0]);
    if (program_operand_count == 2) {
        size_t length = strlen(base);
        size_t suffix = strlen(program_operands[1]);
        if (suffix < length && strcmp(base + length - suffix, program_operands[1]) == 0)
            base[length - suffix] = 0;
    }
    puts(base);
    return program_end(0);
}
