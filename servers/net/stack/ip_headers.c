// Headers of both versions: RFC 791 section 3.1, RFC 8200 section 3. Stores to frames only, and is built without notes.
#include "servers/net/stack/ip.h"

void ipv4_header(uint8_t *at, const struct flow *flow, uint32_t payload, uint32_t identification, uint32_t fragment) {
    __builtin_memset(at, 0, IPV4_HEADER_BYTES);
    at[0] = 0x45;
    at[1] = flow->traffic_class;
    store16(at + 2, IPV4_HEADER_BYTES + payload);
    store16(at + 4, identification);
    store16(at + 6, fragment);
    at[8] = flow->hops;
    at[9] = flow->protocol;
    store32(at + 12, address_v4(&flow->source));
    store32(at + 16, address_v4(&flow->destination));
    store16(at + 10, checksum_finish(checksum_add(0, at, IPV4_HEADER_BYTES)));
}

void ipv6_header(uint8_t *at, const struct flow *flow, uint32_t payload, uint8_t next) {
    store32(at, 6u << 28 | (uint32_t)flow->traffic_class << 20);
    store16(at + 4, payload);
    at[6] = next;
    at[7] = flow->hops;
    __builtin_memcpy(at + 8, flow->source.bytes, ADDRESS_BYTES);
    __builtin_memcpy(at + 24, flow->destination.bytes, ADDRESS_BYTES);
}
