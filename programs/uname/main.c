// uname: names the system, the machine and their versions.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-asnrvm]",
                  "  -s  system (the default)   -n  host name   -r  release\n"
                  "  -v  version                -m  machine     -a  all of them\n");
    static const char letters[] = "snrvm";
    unsigned chosen = 0;
    for (int option; (option = program_option("asnrvm")) != -1;)
        chosen |= option == 'a' ? 31u : 1u << (strchr(letters, option) - letters);
    if (program_operand_count)
        program_usage_error("unexpected: %s", program_operands[0]);
    struct utsname names;
    if (uname(&names) < 0)
        program_fail(NULL, "%s", error_text(errno));
    const char *fields[] = {names.sysname, names.nodename, names.release, names.version, names.machine};
    const char *separator = "";
    if (!chosen)
        chosen = 1;
    for (int i = 0; i < 5; i++) {
        if (chosen & 1u << i) {
            printf("%s%s", separator, fields[i]);
            separator = " ";
        }
    }
    putchar('\n');
    return program_end(0);
}
