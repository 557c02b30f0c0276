// test, also called as "[": tells by its exit status whether an expression is true.
#include "programs/common/program.h"
#include "programs/common/text_commands.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "EXPRESSION",
                  "  -e -f -d -L -p -b -c FILE  it exists, is a file, directory, link, pipe, device\n"
                  "  -r -w -x -s FILE           it can be read, written, executed; it is not empty\n"
                  "  -n -z STRING               it is not empty, empty\n"
                  "  A = B, A != B              strings\n"
                  "  A -eq -ne -lt -le -gt -ge B  numbers\n"
                  "  A -nt -ot -ef B            files: newer, older, the same\n"
                  "  ! E, E -a E, E -o E, ( E )\n"
                  "Exit status: 0 true, 1 false, 2 wrong expression.\n");
    struct buffer error;
    buffer_init(&error);
    int status = test_run(argc, argv, &error);
    if (error.length)
        program_error(NULL, "%s", error.data);
    return status;
}
