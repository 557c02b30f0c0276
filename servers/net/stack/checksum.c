// See checksum.h. Sums are made of 32-bit halves in the machine's own byte order, which gives the swapped
// sum (RFC 1071 section 2 B); the last step swaps it back.
#include "servers/net/stack/checksum.h"

uint64_t checksum_add(uint64_t sum, const void *data, uint32_t length) {
    const uint8_t *at = data;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        sum += (word & UINT32_MAX) + (word >> 32);
    }
    for (; length >= 2; length -= 2, at += 2)
        sum += at[0] | (uint32_t)at[1] << 8;
    return length != 0 ? sum + at[0] : sum;
}

static uint32_t fold(uint64_t sum) {
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

uint64_t checksum_add_pieces(uint64_t sum, const struct piece *pieces, uint32_t count) {
    uint32_t position = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].length == 0)
            continue;
        uint32_t own = fold(checksum_add(0, pieces[i].data, pieces[i].length));
        sum += (position & 1) != 0 ? (own >> 8 | (own & 0xff) << 8) : own; // begins at an odd byte: swapped
        position += pieces[i].length;
    }
    return sum;
}

uint64_t checksum_pseudo_header(const struct address *source, const struct address *destination, uint8_t protocol,
                                uint32_t length) {
    uint8_t rest[8] = {0};
    bool v4 = address_is_v4(destination);
    uint32_t skip = v4 ? 12 : 0;
    store32(rest, length); // an IPv4 length has two bytes: the upper two are zero
    rest[7] = protocol;
    uint64_t sum = checksum_add(0, source->bytes + skip, ADDRESS_BYTES - skip);
    sum = checksum_add(sum, destination->bytes + skip, ADDRESS_BYTES - skip);
    return checksum_add(sum, rest, sizeof(rest));
}

uint16_t checksum_finish(uint64_t sum) {
    uint32_t folded = fold(sum);
    return (uint16_t) ~(folded >> 8 | folded << 8);
}
