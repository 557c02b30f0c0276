// seq: prints whole numbers from FIRST to LAST.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-w] [-s SEPARATOR] [FIRST [STEP]] LAST",
                  "  -w            pad with zeroes to one width\n"
                  "  -s SEPARATOR  between numbers, instead of a new line\n");
    bool equal_width = false;
    const char *separator = "\n";
    // Negative numbers are operands, not options.
    int index = 1;
    for (; index < argc && argv[index][0] == '-' && strspn(argv[index], "-0123456789") < strlen(argv[index]); index++) {
        if (strcmp(argv[index], "-w") == 0)
            equal_width = true;
        else if (strcmp(argv[index], "-s") == 0 && index + 1 < argc)
            separator = argv[++index];
        else
            program_usage_error("%s: unknown option", argv[index]);
    }
    int count = argc - index;
    if (count < 1 || count > 3)
        program_usage_error("one to three numbers needed");
    long long first = count > 1 ? number_parse(argv[index], "FIRST") : 1;
    long long step = count > 2 ? number_parse(argv[index + 1], "STEP") : 1;
    long long last = number_parse(argv[argc - 1], "LAST");
    if (step == 0)
        program_usage_error("STEP: must not be zero");
    int width = 0;
    if (equal_width) {
        int first_width = snprintf(NULL, 0, "%lld", first);
        int last_width = snprintf(NULL, 0, "%lld", last);
        width = first_width > last_width ? first_width : last_width;
    }
    bool any = false;
    for (long long value = first; step > 0 ? value <= last : value >= last;) {
        printf("%s%0*lld", any ? separator : "", width, value);
        any = true;
        if (__builtin_add_overflow(value, step, &value))
            break;
    }
    if (any)
        putchar('\n');
    return program_end(0);
}
