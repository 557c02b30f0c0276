// See text.h.
#include "drivers/framework/text.h"

static void add_character(struct text *text, char character) {
    if (text->length + 1 < TEXT_BYTES) {
        text->bytes[text->length++] = character;
        text->bytes[text->length] = '\0';
    }
}

void text_add(struct text *text, const char *string) {
    for (; *string != '\0'; string++)
        add_character(text, *string);
}

void text_add_bytes(struct text *text, const char *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size && bytes[i] != '\0'; i++)
        add_character(text, bytes[i]);
}

static void add_digits(struct text *text, uint64_t number, uint32_t base, uint32_t least) {
    char digits[20];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    for (; least > count; least--)
        add_character(text, '0');
    while (count != 0)
        add_character(text, digits[--count]);
}

void text_add_number(struct text *text, uint64_t number) {
    add_digits(text, number, 10, 1);
}

void text_add_hex(struct text *text, uint64_t number, uint32_t digits) {
    add_digits(text, number, 16, digits);
}
