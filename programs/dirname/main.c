// dirname: a path without its last part.
#include <stdio.h>
#include <string.h>

#include "programs/common/program.h"

static void directory_print(char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    while (end > 1 && path[end - 1] == '/')
        end--;
    path[end] = 0;
    puts(end ? path : ".");
}

int main(int argc, char **argv) {
    program_start(argc, argv, "PATH...", "");
    program_option("");
    if (program_operand_count == 0)
        program_usage_error("no path given");
    for (char **path = program_operands; *path; path++)
        directory_print(*path);
    return program_end(0);
}
