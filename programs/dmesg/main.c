// dmesg: prints the log of the kernel and the servers.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/proc.h"
#include "programs/common/program.h"

static const char *const levels[] = {"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

static unsigned level_parse(const char *text) {
    for (unsigned i = 0; i < 8; i++) {
        if (strcmp(text, levels[i]) == 0 || (text[0] == (char)('0' + i) && !text[1]))
            return i;
    }
    program_usage_error("-l: not a level: %s", text);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-x] [-l LEVEL] [-s SENDER]",
                  "  -x  show the level of each line\n"
                  "  -l  this level and what is worse: emergency alert critical error warning notice info "
                  "debug, or 0 to 7\n"
                  "  -s  only what this sender wrote\n");
    bool show_levels = false;
    unsigned limit = 7;
    const char *sender = NULL;
    for (int option; (option = program_option("xl:s:")) != -1;) {
        if (option == 'x')
            show_levels = true;
        else if (option == 'l')
            limit = level_parse(program_argument);
        else
            sender = program_argument;
    }
    bool colours = isatty(STDOUT_FILENO);
    struct proc_file file;
    struct proc_log entry;
    proc_open(&file, "log");
    while (proc_log_next(&file, &entry)) {
        if (entry.level > limit || (sender && strcmp(sender, entry.sender) != 0))
            continue;
        if (show_levels)
            printf("%-9s ", levels[entry.level]);
        printf("[%5llu.%06llu] ", (unsigned long long)entry.seconds, (unsigned long long)entry.microseconds);
        const char *colour = entry.level <= 3 ? "\033[1;31m" : entry.level == 4 ? "\033[33m" : "";
        printf("%s%s: %s%s\n", colours ? colour : "", entry.sender, entry.text, colours && *colour ? "\033[0m" : "");
    }
    proc_close(&file);
    return program_end(0);
}
