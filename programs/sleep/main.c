// sleep: waits for a time given in seconds, which may have a fraction and a unit s, m, h or d.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "programs/common/program.h"

// Adds the duration in nanoseconds; false if the text is none.
static bool duration_add(const char *text, uint64_t *total) {
    static const uint64_t second = 1000000000;
    uint64_t whole = 0, fraction = 0, place = second;
    const char *start = text;
    while (*text >= '0' && *text <= '9' && whole < 1000000000)
        whole = whole * 10 + (uint64_t)(*text++ - '0');
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++) {
            place /= 10;
            fraction += (uint64_t)(*text - '0') * place;
        }
    }
    if (text == start || (text == start + 1 && *start == '.'))
        return false;
    uint64_t unit = 1;
    if (*text == 's' || *text == 'm' || *text == 'h' || *text == 'd') {
        unit = *text == 's' ? 1 : *text == 'm' ? 60 : *text == 'h' ? 3600 : 86400;
        text++;
    }
    if (*text || whole > UINT64_MAX / second / unit / 2)
        return false;
    *total += (whole * second + fraction) * unit;
    return true;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "TIME...", "TIME is a number with an optional unit s, m, h or d; several are added.\n");
    program_option("");
    uint64_t total = 0;
    for (char **word = program_operands; *word; word++) {
        if (!duration_add(*word, &total))
            program_usage_error("not a time: %s", *word);
    }
    if (program_operand_count == 0)
        program_usage_error("no time given");
    struct timespec left = {.tv_sec = (time_t)(total / 1000000000), .tv_nsec = (long)(total % 1000000000)};
    while (nanosleep(&left, &left) != 0) {
        if (errno != EINTR)
            program_fail(NULL, "%s", error_text(errno));
    }
    return 0;
}
