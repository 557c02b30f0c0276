// Addresses of both families in one form: 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). So
// sockets, routes and neighbours need no second kind. Pure values; used by every file of the stack.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "servers/net/stack/wire.h"

enum { ADDRESS_BYTES = 16, ADDRESS_V4_PREFIX = 96, MAC_BYTES = 6 };

struct address {
    uint8_t bytes[ADDRESS_BYTES];
};

extern const struct address address_unspecified;    // ::
extern const struct address address_v4_unspecified; // 0.0.0.0

static inline uint64_t address_half(const struct address *address, uint32_t half) {
    uint64_t value;
    __builtin_memcpy(&value, address->bytes + 8 * half, sizeof(value));
    return value;
}

static inline bool address_equal(const struct address *a, const struct address *b) {
    return address_half(a, 0) == address_half(b, 0) && address_half(a, 1) == address_half(b, 1);
}

static inline bool address_is_v4(const struct address *address) {
    return address_half(address, 0) == 0 && load32(address->bytes + 8) == 0xffff;
}

// In host order.
static inline uint32_t address_v4(const struct address *address) {
    return load32(address->bytes + 12);
}

static inline struct address address_from_v4(uint32_t value) {
    uint64_t halves[2] = {0, UINT64_C(0xffff0000) | (uint64_t)__builtin_bswap32(value) << 32};
    struct address address;
    __builtin_memcpy(&address, halves, sizeof(address));
    return address;
}

static inline struct address address_from_bytes(const uint8_t *bytes) {
    struct address address;
    __builtin_memcpy(address.bytes, bytes, ADDRESS_BYTES);
    return address;
}

// 0.0.0.0 or ::.
bool address_is_unspecified(const struct address *address);
bool address_is_loopback(const struct address *address);
// Group addresses; of IPv4 also 255.255.255.255.
bool address_is_multicast(const struct address *address);
bool address_is_link_local(const struct address *address);
// The first `bits` of 128 agree; a prefix of IPv4 counts from ADDRESS_V4_PREFIX on.
bool address_in_prefix(const struct address *address, const struct address *prefix, uint32_t bits);
// How many leading bits agree.
uint32_t address_common_bits(const struct address *a, const struct address *b);
// The group that a node listens to for its address (RFC 4291 section 2.7.1).
struct address address_solicited_node(const struct address *address);
