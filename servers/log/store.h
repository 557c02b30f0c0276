// The records that are kept: one ring of bytes, the oldest given up for new ones. Positions count the bytes
// of all records since boot, so a reader that comes late sees by its position what it missed. Pure; tests
// call it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "libipc/protocols/log.h"

enum { STORE_BYTES = 128 * 1024, RECORD_TEXT_MAX = 1024 };

struct log_store {
    uint64_t tail, head; // positions of the oldest record and behind the newest
    unsigned char bytes[STORE_BYTES];
};

// Bytes of a record with `length` bytes of text.
static inline size_t record_bytes(size_t length) {
    return (sizeof(struct log_record) + length + 7) & ~(size_t)7;
}

// `text` is cut at RECORD_TEXT_MAX; control characters become spaces.
void log_store_add(struct log_store *store, const struct log_record *head, const char *text, size_t length);
// Copies whole records of at most level `level` (a smaller number is graver) from *position on, which moves
// behind what was looked at. Returns bytes.
size_t log_store_read(const struct log_store *store, uint64_t *position, uint64_t level, unsigned char *to, size_t size);
// Splits "sender: text" of a kernel record; a text without a sender is the kernel's own. Returns where the
// text begins.
size_t log_split_sender(const char *text, size_t length, uint8_t sender[16]);
