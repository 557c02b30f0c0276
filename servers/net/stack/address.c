// See address.h.
#include "servers/net/stack/address.h"

const struct address address_unspecified;
const struct address address_v4_unspecified = {.bytes = {[10] = 0xff, [11] = 0xff}};

bool address_is_unspecified(const struct address *address) {
    return address_equal(address, &address_unspecified) || address_equal(address, &address_v4_unspecified);
}

bool address_is_loopback(const struct address *address) {
    static const struct address one = {.bytes = {[15] = 1}};
    return address_is_v4(address) ? address->bytes[12] == 127 : address_equal(address, &one);
}

bool address_is_multicast(const struct address *address) {
    if (!address_is_v4(address))
        return address->bytes[0] == 0xff;
    return (address->bytes[12] & 0xf0) == 0xe0 || address_v4(address) == UINT32_MAX;
}

bool address_is_link_local(const struct address *address) {
    if (address_is_v4(address))
        return address->bytes[12] == 169 && address->bytes[13] == 254;
    return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

uint32_t address_common_bits(const struct address *a, const struct address *b) {
    for (uint32_t half = 0; half < 2; half++) {
        uint64_t difference = address_half(a, half) ^ address_half(b, half);
        if (difference != 0) // the first byte is the lowest
            return 64 * half + (uint32_t)__builtin_clzll(__builtin_bswap64(difference));
    }
    return 8 * ADDRESS_BYTES;
}

bool address_in_prefix(const struct address *address, const struct address *prefix, uint32_t bits) {
    return address_common_bits(address, prefix) >= bits;
}

struct address address_solicited_node(const struct address *address) {
    struct address group = {.bytes = {0xff, 0x02, [11] = 1, [12] = 0xff}};
    memcpy(group.bytes + 13, address->bytes + 13, 3);
    return group;
}
