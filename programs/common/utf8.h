// UTF-8 as programs that draw on a terminal need it: decode, encode, step, and how many columns a character
// takes. Invalid bytes are characters of their own, one column wide, so that no text is ever lost or refused.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Decodes one character of at most `length` bytes (at least 1) and returns how many bytes it takes. An
// invalid byte gives 1 and the code UTF8_INVALID + byte.
#define UTF8_INVALID 0x110000u
size_t utf8_decode(const char *text, size_t length, uint32_t *code);

// Writes up to 4 bytes and returns their number.
size_t utf8_encode(uint32_t code, char *bytes);

// The offsets of the next and the previous character.
size_t utf8_next(const char *text, size_t length, size_t offset);
size_t utf8_previous(const char *text, size_t offset);

// Columns of one character (0 for combining ones, 2 for wide ones), and of a text without control characters.
int utf8_width(uint32_t code);
size_t utf8_text_width(const char *text, size_t length);
