// kill: sends a signal to processes.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"
#include "programs/common/signals.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-SIGNAL | -s SIGNAL] PID... | -l",
                  "  -s  a signal other than TERM, by name or number   -l  list the names\n"
                  "A negative PID means a process group.\n");
    int signal = SIGTERM, index = 1;
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        for (int i = 1; i < SIGNAL_COUNT; i++) {
            if (*signal_name(i) > '9')
                printf("%2d %s\n", i, signal_name(i));
        }
        return program_end(0);
    }
    if (argc > 2 && argv[1][0] == '-') {
        const char *name = argv[1] + 1;
        index = 2;
        if (strcmp(name, "s") == 0)
            name = argv[index++];
        if (strcmp(name, "-") != 0)
            signal = signal_parse(name);
        if (signal < 0)
            program_usage_error("not a signal: %s", name);
    }
    if (index >= argc)
        program_usage_error("no process given");
    int status = 0;
    for (; index < argc; index++) {
        char *end;
        long pid = strtol(argv[index], &end, 10);
        if (end == argv[index] || *end) {
            program_error(argv[index], "not a process id");
            status = 1;
        } else if (kill((pid_t)pid, signal) != 0) {
            program_errno(argv[index]);
            status = 1;
        }
    }
    return status;
}
