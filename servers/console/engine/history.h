// What has scrolled off the top: lines in a ring of bytes, oldest dropped first. A line is stored as its
// UTF-8 text with changes of style in between, so that ordinary text takes little more than its bytes.
// Invariant: between `head` and `tail` lie whole lines, each with its size in front and behind. Used by the
// engine alone.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/console/engine/cell.h"

struct history {
    uint8_t *bytes;
    uint32_t size;       // of `bytes`, a power of two, or 0
    uint32_t head, tail; // positions in the ring, modulo 2^32
    uint32_t lines;
    uint64_t pushed; // ever: names lines for good
};

struct history_announce {
    void (*changing)(void *context, const void *memory, size_t bytes);
    void *context;
};

// `size` is rounded down to a power of two.
void history_initialize(struct history *history, void *bytes, uint32_t size);
// Whether it can be read: what lies in memory that outlived its actor.
bool history_sound(const struct history *history);
void history_push(struct history *history, const struct history_announce *announce, const struct cell *cells, uint32_t columns,
                  bool wrapped);
// Whole lines of plain text at once, as if they had been cells in the style of `style`: `count` of them, ended by CR LF or LF
// each.
void history_push_text(struct history *history, const struct history_announce *announce, const char *text, uint32_t count,
                       const struct cell *style);
// The line `back` lines up, 1 being the newest; false: there is none. Fills all `columns` cells.
bool history_line(const struct history *history, uint32_t back, struct cell *cells, uint32_t columns, bool *wrapped);
// Takes the newest line out.
bool history_pop(struct history *history, struct cell *cells, uint32_t columns, bool *wrapped);
void history_clear(struct history *history);
