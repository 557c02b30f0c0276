// One line of text, put together piece by piece and cut where it is full. For the log.
#pragma once

#include <stdint.h>

enum { TEXT_BYTES = 256 };

struct text {
    uint32_t length;
    char bytes[TEXT_BYTES]; // not terminated
};

static inline void text_add(struct text *text, const char *string) {
    for (; *string != 0 && text->length < TEXT_BYTES; string++)
        text->bytes[text->length++] = *string;
}

static inline void text_add_number(struct text *text, uint64_t number, uint32_t base) {
    char digits[20];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    while (count > 0 && text->length < TEXT_BYTES)
        text->bytes[text->length++] = digits[--count];
}

static inline void text_add_hex(struct text *text, uint64_t number) {
    text_add(text, "0x");
    text_add_number(text, number, 16);
}
