// uptime: tells how long the system has been running and how much of that the processors were idle.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "programs/common/proc.h"
#include "programs/common/program.h"

// Hundredths of a second from "seconds.hundredths".
static uint64_t hundredths(struct proc_file *file, int field) {
    char *dot = strchr(file->fields[field], '.');
    if (!dot || strlen(dot + 1) != 2)
        proc_fail(file, "not seconds.hundredths");
    *dot = 0;
    uint64_t seconds = proc_number(file, field, 10);
    file->fields[field] = dot + 1;
    return seconds * 100 + proc_number(file, field, 10);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "", "");
    program_option("");
    struct proc_file file;
    proc_open(&file, "uptime");
    if (!proc_next(&file, 2))
        proc_fail(&file, "empty");
    uint64_t up = hundredths(&file, 0), idle = hundredths(&file, 1);
    char now[16] = "";
    time_t seconds = time(NULL);
    const struct tm *parts = localtime(&seconds);
    if (parts)
        strftime(now, sizeof(now), "%H:%M:%S", parts);
    unsigned long long minutes = up / 6000;
    printf(" %s up ", now);
    if (minutes >= 1440)
        printf("%llu day%s, ", minutes / 1440, minutes / 1440 == 1 ? "" : "s");
    printf("%llu:%02llu:%02llu, idle %llu.%02llu s\n", minutes / 60 % 24, minutes % 60, (unsigned long long)up / 100 % 60,
           (unsigned long long)idle / 100, (unsigned long long)idle % 100);
    proc_close(&file);
    return program_end(0);
}
