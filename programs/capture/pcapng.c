// See pcapng.h; section numbers are of the draft named there. All numbers are in this machine's order, which
// the section's head tells.
#include "programs/capture/pcapng.h"

#include <string.h>

enum {
    SECTION_HEADER = 0x0a0d0d0a, // 4.1
    INTERFACE_DESCRIPTION = 1,   // 4.2
    ENHANCED_PACKET = 6,         // 4.3
    OPTION_END = 0,
    OPTION_USER_APPLICATION = 4, // shb_userappl
    OPTION_NAME = 2,             // if_name
    OPTION_RESOLUTION = 9,       // if_tsresol
    OPTION_FLAGS = 2,            // epb_flags
    LINK_ETHERNET = 1,
    NANOSECONDS = 9, // 10 to the minus ninth
    INBOUND = 1,
    OUTBOUND = 2,
};

static void put32(struct buffer *file, uint32_t value) {
    buffer_append(file, &value, sizeof(value));
}

static void put16(struct buffer *file, uint16_t value) {
    buffer_append(file, &value, sizeof(value));
}

static void put_padded(struct buffer *file, const void *data, uint32_t length) {
    buffer_append(file, data, length);
    buffer_append(file, "\0\0\0", (4 - length % 4) % 4);
}

static void option(struct buffer *file, uint16_t code, const void *value, uint16_t length) {
    put16(file, code);
    put16(file, length);
    put_padded(file, value, length);
}

// A block begins and ends with its length (3.1).
static size_t block_begin(struct buffer *file, uint32_t type) {
    size_t start = file->length;
    put32(file, type);
    put32(file, 0);
    return start;
}

static void block_end(struct buffer *file, size_t start) {
    uint32_t length = (uint32_t)(file->length - start) + 4;
    put32(file, length);
    memcpy(file->data + start + 4, &length, sizeof(length));
}

void pcapng_begin(struct buffer *file, const char *program, const char *interface, uint32_t limit) {
    size_t start = block_begin(file, SECTION_HEADER);
    put32(file, 0x1a2b3c4d);
    put16(file, 1);
    put16(file, 0);
    put32(file, UINT32_MAX); // the section's length is not known
    put32(file, UINT32_MAX);
    option(file, OPTION_USER_APPLICATION, program, (uint16_t)strlen(program));
    option(file, OPTION_END, "", 0);
    block_end(file, start);

    uint8_t resolution = NANOSECONDS;
    start = block_begin(file, INTERFACE_DESCRIPTION);
    put16(file, LINK_ETHERNET);
    put16(file, 0);
    put32(file, limit);
    option(file, OPTION_NAME, interface, (uint16_t)strlen(interface));
    option(file, OPTION_RESOLUTION, &resolution, 1);
    option(file, OPTION_END, "", 0);
    block_end(file, start);
}

void pcapng_frame(struct buffer *file, uint64_t time, const void *frame, uint32_t length, uint32_t whole, int outgoing) {
    size_t start = block_begin(file, ENHANCED_PACKET);
    uint32_t flags = outgoing ? OUTBOUND : INBOUND;
    put32(file, 0);
    put32(file, (uint32_t)(time >> 32));
    put32(file, (uint32_t)time);
    put32(file, length);
    put32(file, whole);
    put_padded(file, frame, length);
    option(file, OPTION_FLAGS, &flags, sizeof(flags));
    option(file, OPTION_END, "", 0);
    block_end(file, start);
}
