// umount: takes file systems out of the tree.
#include <stdio.h>
#include <sys/mount.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "DIRECTORY...", "");
    program_option("");
    if (program_operand_count == 0)
        program_usage_error("no directory given");
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        if (umount(*path) != 0) {
            program_errno(*path);
            status = 1;
        }
    }
    return status;
}
