// Takes one cursor report (ESC [ ROWS ; COLUMNS R) out of a stream of typed bytes, and gives all others back.
// Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIZE_ANSWER_BYTES = 16 };

struct size_answer {
    bool complete;
    uint32_t held; // bytes that may be part of it
    uint16_t rows, columns;
    char bytes[SIZE_ANSWER_BYTES];
};

void size_answer_begin(struct size_answer *answer);
// Writes what is no part of the answer to `out` (at most SIZE_ANSWER_BYTES); returns how many bytes.
size_t size_answer_feed(struct size_answer *answer, char byte, char *out);
// Gives back what was held.
size_t size_answer_give_up(struct size_answer *answer, char *out);
