// Console for another build of its program: what handover.c and screen_records.c share. Called by main.c through
// libipc/server/handover.h.
#pragma once

#include <stdint.h>

#include "libipc/server/handover.h"

enum handover_class {
    CLASS_CONSOLE = 1,
    CLASS_KEYBOARD,
    CLASS_POINTER,
    CLASS_SERIAL,
    CLASS_FILE,
    CLASS_WATCH,
    CLASS_PAIR,
    CLASS_TERMINAL,
    CLASS_LINE,
    CLASS_INPUT,
    CLASS_OUTPUT,
    CLASS_SCREEN,
    CLASS_HISTORY,
    CLASS_ROW,
};

// Of all records of console. Another layout of any of them, the engine's included, is another version.
enum { HANDOVER_VERSION = 1 };

// What `server_hands_over` gets.
MUST_USE error_t console_give(struct handover *handover);
MUST_USE error_t console_take(struct handover *handover);

// screen_records.c
MUST_USE error_t screens_give(struct handover *handover);
MUST_USE error_t screens_take(struct handover *handover);

// A record of exactly so many bytes. With `count` 0, nothing: there is none. ERR_NOT_FOUND, ERR_NOT_SUPPORTED: another version;
// ERR_CORRUPT: another length.
MUST_USE error_t record_take(const struct handover *handover, uint32_t class, uint64_t key, void *to, uint64_t count);
MUST_USE error_t record_read(const struct handover_view *view, void *to, uint64_t count);

// What lies in a ring of `size` bytes, from `head` on, `count` bytes: as it lies there, in one or two records.
MUST_USE error_t ring_give(struct handover *handover, uint32_t class, uint64_t key, const void *ring, uint32_t size,
                           uint32_t head, uint32_t count);
// ERR_CORRUPT: the ring has not so much room.
MUST_USE error_t ring_take(const struct handover *handover, uint32_t class, uint64_t key, void *ring, uint32_t size,
                           uint32_t head, uint32_t count);
