// env: prints the environment, or runs a program in a changed one.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"
#include "programs/common/run.h"

extern char **environ;

int main(int argc, char **argv) {
    program_start(argc, argv, "[-i] [-u NAME] [NAME=VALUE]... [PROGRAM [ARGUMENT]...]",
                  "  -i  start with an empty environment   -u  without this variable\n");
    static char *empty[] = {NULL};
    for (int option; (option = program_option("+iu:")) != -1;) {
        if (option == 'i')
            environ = empty;
        else if (unsetenv(program_argument) != 0)
            program_usage_error("-u: not a name: %s", program_argument);
    }
    char **operand = program_operands;
    for (char *equals; *operand && (equals = strchr(*operand, '=')); operand++) {
        *equals = 0;
        if (setenv(*operand, equals + 1, 1) != 0)
            program_fail(*operand, "%s", error_text(errno));
    }
    if (*operand)
        return program_run(operand);
    for (char **variable = environ; *variable; variable++)
        puts(*variable);
    return program_end(0);
}
