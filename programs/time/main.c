// time: runs a program and tells how long it took, on standard error.
#include <stdio.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/common/run.h"

static void print(const char *title, unsigned long long milliseconds) {
    fprintf(stderr, "%s %llu.%03llu\n", title, milliseconds / 1000, milliseconds % 1000);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-p] PROGRAM [ARGUMENT]...",
                  "Prints seconds: real passed on the clock, user and sys were used by the program and by "
                  "the kernel for it.\n");
    while (program_option("+p") != -1)
        continue;
    if (program_operand_count == 0)
        program_usage_error("no program given");
    struct timespec start, end;
    struct tms before = {0}, after = {0};
    clock_gettime(CLOCK_MONOTONIC, &start);
    times(&before);
    int status = program_run(program_operands);
    times(&after);
    clock_gettime(CLOCK_MONOTONIC, &end);
    unsigned long long ticks = (unsigned long long)sysconf(_SC_CLK_TCK);
    long long real = (end.tv_sec - start.tv_sec) * 1000LL + (end.tv_nsec - start.tv_nsec) / 1000000;
    print("real", (unsigned long long)real);
    print("user", (unsigned long long)(after.tms_cutime - before.tms_cutime) * 1000 / ticks);
    print("sys", (unsigned long long)(after.tms_cstime - before.tms_cstime) * 1000 / ticks);
    return status;
}
