// The internet checksum (RFC 1071) over pieces of any length. Pure.
#pragma once

#include <stdint.h>

#include "servers/net/stack/address.h"

struct stack_file;

// A piece of what is sent: bytes that stay where they are until they are copied into a frame, or bytes of a file (send_queue.h).
struct piece {
    const void *data;
    uint32_t length;
    uint32_t offset;         // of the file
    struct stack_file *file; // NULL: they are at `data`
};
static inline struct piece piece_of(const void *data, uint32_t length) {
    return (struct piece){.data = data, .length = length};
}

// The sum of `length` bytes added to `sum`, not folded; the bytes begin at an even position of the message.
uint64_t checksum_add(uint64_t sum, const void *data, uint32_t length);
// The same over pieces that follow each other, however long each is.
uint64_t checksum_add_pieces(uint64_t sum, const struct piece *pieces, uint32_t count);
// The pseudo-header of RFC 9293 section 3.1 and RFC 8200 section 8.1.
uint64_t checksum_pseudo_header(const struct address *source, const struct address *destination, uint8_t protocol,
                                uint32_t length);
// The ones' complement of the folded sum: what stands in a header; 0 for a message that holds a right one.
uint16_t checksum_finish(uint64_t sum);
