// A floating-point number taken apart: (-1)^negative * mantissa * 2^exponent, and the kinds that are not
// numbers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum float_kind { FLOAT_ZERO, FLOAT_NUMBER, FLOAT_INFINITE, FLOAT_NAN };

struct float_parts {
    enum float_kind kind;
    bool negative;
    uint64_t mantissa;
    int exponent;
};

// The three formats of the machine (IEEE 754 binary32 and binary64, and the x87's 80 bits).
struct float_format {
    int bits;            // of the mantissa, the leading one included
    int lowest_exponent; // of the mantissa's last bit in subnormals
    int limit;           // values are below 2^limit
};
