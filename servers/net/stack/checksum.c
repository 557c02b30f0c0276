// See checksum.h. Sums are made of words of 64 bits in the machine's own byte order, which gives the swapped
// sum (RFC 1071 section 2 B); the last step swaps it back.
#include "servers/net/stack/checksum.h"

static inline uint64_t add(uint64_t sum, uint64_t word) {
    sum += word;
    return sum + (sum < word); // the carry comes round
}

uint64_t checksum_add(uint64_t sum, const void *data, uint32_t length) {
    const uint8_t *at = data;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        sum = add(sum, word);
    }
    if ((length & 4) != 0) {
        uint32_t word;
        __builtin_memcpy(&word, at, 4);
        sum = add(sum, word);
        at += 4;
    }
    if ((length & 2) != 0) {
        sum = add(sum, at[0] | (uint32_t)at[1] << 8);
        at += 2;
    }
    return (length & 1) != 0 ? add(sum, at[0]) : sum;
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
    uint64_t from = address_half(source, 1), to = address_half(destination, 1);
    uint64_t sum = __builtin_bswap32(length) + ((uint64_t)protocol << 8); // an IPv4 length has two bytes: the upper two are zero
    if (address_is_v4(destination))
        return sum + (from >> 32) + (to >> 32); // what follows ::ffff
    return checksum_add(checksum_add(sum, source->bytes, ADDRESS_BYTES), destination->bytes, ADDRESS_BYTES);
}

uint16_t checksum_finish(uint64_t sum) {
    uint32_t folded = fold(sum);
    return (uint16_t) ~(folded >> 8 | folded << 8);
}
