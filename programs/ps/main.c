// ps: lists the processes.
#include <stdio.h>
#include <string.h>

#include "programs/common/proc.h"
#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-l]", "  -l  group and priority as well\nStates: R running, S waiting, T stopped, Z ended.\n");
    int wide = 0;
    for (int option; (option = program_option("alefx")) != -1;)
        wide |= option == 'l';
    if (program_operand_count)
        program_usage_error("unexpected: %s", program_operands[0]);
    struct proc_file file;
    struct proc_process process;
    proc_open(&file, "processes");
    printf(wide ? "  PID  PPID  PGID S PRI   MEMORY      TIME NAME\n" : "  PID  PPID S   MEMORY      TIME NAME\n");
    while (proc_process_next(&file, &process)) {
        printf("%5ld %5ld ", process.pid, process.parent);
        if (wide)
            printf("%5ld %c %3d", process.group, process.state, process.priority);
        else
            printf("%c", process.state);
        unsigned long long seconds = process.cpu_ms / 1000;
        printf(" %7lluK %4llu:%02llu.%02llu %s\n", (unsigned long long)process.memory_kib, seconds / 60, seconds % 60,
               (unsigned long long)process.cpu_ms % 1000 / 10, process.name);
    }
    proc_close(&file);
    return program_end(0);
}
