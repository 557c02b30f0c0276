// A line of text, put together without allocation; what does not fit is cut. For what drivers say to the log
// and for names.
#pragma once

#include <stdint.h>

enum { TEXT_BYTES = 200 };

struct text {
    uint32_t length;
    char bytes[TEXT_BYTES]; // NUL-terminated
};

void text_add(struct text *text, const char *string);
// At most `size` bytes, up to the first NUL.
void text_add_bytes(struct text *text, const char *bytes, uint32_t size);
void text_add_number(struct text *text, uint64_t number);
// Hexadecimal, with at least `digits` digits.
void text_add_hex(struct text *text, uint64_t number, uint32_t digits);
