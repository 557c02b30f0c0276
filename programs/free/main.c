// free: tells how the memory is used.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "programs/common/files.h"
#include "programs/common/proc.h"
#include "programs/common/program.h"

static void print(uint64_t bytes, char unit) {
    char text[16];
    size_text(bytes, text);
    if (unit == 'h')
        printf(" %11s", text);
    else
        printf(" %11llu", (unsigned long long)(unit == 'b' ? bytes : unit == 'm' ? bytes >> 20 : bytes >> 10));
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-b|-k|-m|-h]", "  -b  bytes   -k  KiB (the default)   -m  MiB   -h  as 1.2K, 34M\n");
    char unit = 'k';
    for (int option; (option = program_option("bkmh")) != -1;)
        unit = (char)option;
    uint64_t total = proc_memory("total_bytes"), left = proc_memory("free_bytes");
    if (left > total)
        program_fail(PROC_DIRECTORY "/memory", "more memory is free than there is");
    printf("              total        used        free      kernel       cache\nMemory:");
    print(total, unit);
    print(total - left, unit);
    print(left, unit);
    print(proc_memory("kernel_bytes"), unit);
    print(proc_memory("cache_bytes"), unit);
    putchar('\n');
    return program_end(0);
}
