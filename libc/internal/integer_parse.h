// Reading an integer from text (C17 7.22.1.4), for strtol and its family.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct parsed_integer {
    uint64_t magnitude; // UINT64_MAX if it overflowed
    bool negative;
    bool overflow;
    const char *end; // behind the last digit; the string's start if there was no number
};

// base: 0 or 2 to 36; 0 chooses by prefix. False if the base is neither.
bool integer_parse(const char *string, int base, struct parsed_integer *result);
