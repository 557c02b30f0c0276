// which: prints the file that runs when a command is typed.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "programs/common/program.h"
#include "programs/common/run.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "NAME...", "Exit status 1 if one of them is not found.\n");
    program_option("");
    if (program_operand_count == 0)
        program_usage_error("no name given");
    int status = 0;
    for (char **name = program_operands; *name; name++) {
        char *path = program_find(*name);
        if (path)
            puts(path);
        else
            status = 1;
        free(path);
    }
    return program_end(status);
}
