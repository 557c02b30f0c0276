// help: lists the programs there are; the shell's own `help` lists its builtins as well.
#include <stdio.h>
#include <string.h>

#include "programs/common/program.h"

#include "program_list.h"

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        const char *summary;
    } programs[] = {PROGRAM_LIST};
    program_start(argc, argv, "[NAME]...", "");
    program_option("");
    int status = 0;
    for (size_t i = 0; program_operand_count == 0 && programs[i].name; i++)
        printf("%-10s %s\n", programs[i].name, programs[i].summary);
    for (char **name = program_operands; *name; name++) {
        size_t i = 0;
        while (programs[i].name && strcmp(programs[i].name, *name) != 0)
            i++;
        if (programs[i].name) {
            printf("%s: %s (try %s --help)\n", *name, programs[i].summary, *name);
        } else {
            program_error(*name, "no such program");
            status = 1;
        }
    }
    return program_end(status);
}
