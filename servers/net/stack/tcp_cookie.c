// SYN cookies (RFC 4987 section 3.6): the sequence number of our SYN holds what must be remembered of the peer's, under a key,
// and the low bits of our timestamp (RFC 7323) the rest, where the peer has timestamps; without them a cookie keeps the MSS
// alone. A call that is plain (no options of IP, no data) is answered straight from its frame. Stores to frames and to its
// callers' stacks only, and is built without notes: a flood of SYNs costs not much more than what is done here.
#include "servers/net/stack/tcp.h"

// A cookie: time, size, hash. The timestamp's bits: SACK, and the window scale, all ones if there is none.
enum {
    TIME_BITS = 5,
    SIZE_BITS = 3,
    HASH_BITS = 24,
    AGE_MAX = 2,
    SCALE_BITS = 4,
    SACK_BIT = 1 << SCALE_BITS,
    NO_SCALE = SACK_BIT - 1,
    OPTION_BITS = 2 * SACK_BIT - 1,
    SIZES = 1 << SIZE_BITS,
};
#define TICK (64 * NANOSECONDS_PER_SECOND)

static const uint16_t sizes[SIZES] = {216, 536, 1024, 1220, 1360, 1440, 1460, 8960};

// Who speaks to whom, from the peer's side.
struct ends {
    const struct address *source, *destination;
    uint16_t from, to;
};

bool tcp_cookies_are_out(const struct stack *stack) {
    return stack->cookie_at != 0 && stack->now - stack->cookie_at < TICK;
}

bool tcp_wants_cookies(const struct stack *stack) {
    return stack->forced_cookies || stack->half_open_count >= TCP_HALF_OPEN_MAX || admission_credit(stack, ADMISSION_CALL) == 0;
}

// HASH_BITS of it are in the cookie, its upper half is the offset of our timestamps.
static uint64_t hash(const struct stack *stack, const struct ends *ends, uint32_t time, uint32_t size, uint32_t peer) {
    uint64_t words[6], source = address_half(ends->source, 1), destination = address_half(ends->destination, 1);
    uint32_t count = 0;
    words[count++] = (uint64_t)ends->from << 48 | (uint64_t)ends->to << 32 | time;
    words[count++] = (uint64_t)peer << 32 | size << 8 | 'c';
    if (address_is_v4(ends->source)) {
        words[count++] = source >> 32 | (destination >> 32 << 32); // what follows ::ffff
    } else {
        words[count++] = address_half(ends->source, 0);
        words[count++] = source;
        words[count++] = address_half(ends->destination, 0);
        words[count++] = destination;
    }
    return siphash(&stack->key, words, count * (uint32_t)sizeof(words[0]));
}

static uint32_t cookie_of(uint32_t time, uint32_t size, uint64_t hashed) {
    return time << (32 - TIME_BITS) | size << HASH_BITS | (hashed & ((1u << HASH_BITS) - 1));
}

static struct ends ends_of(const struct segment *segment) {
    return (struct ends){&segment->packet->source, &segment->packet->destination, segment->source, segment->destination};
}

// The options of our SYN: its MSS, and the others if there are timestamps to keep the peer's.
static uint32_t write_options(const struct stack *stack, const struct segment *syn, uint32_t offset, uint8_t *to) {
    uint32_t headers = (syn->packet->v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + TCP_HEADER_BYTES;
    to[0] = TCP_OPTION_MSS;
    to[1] = 4;
    store16(to + 2, larger(syn->packet->interface->mtu, TCP_MSS_DEFAULT_V4 + headers) - headers);
    if (!syn->has_timestamp)
        return 4;
    uint32_t bits = (syn->has_scale ? syn->scale : NO_SCALE) | (syn->sack_permitted ? SACK_BIT : 0);
    uint32_t clock = tcp_clock(stack) + offset, told = (clock & ~(uint32_t)OPTION_BITS) | bits;
    to[4] = syn->sack_permitted ? TCP_OPTION_SACK_PERMITTED : TCP_OPTION_NOTHING;
    to[5] = syn->sack_permitted ? 2 : TCP_OPTION_NOTHING;
    to[6] = TCP_OPTION_TIMESTAMP;
    to[7] = 10;
    store32(to + 8, sequence_before(clock, told) ? told - OPTION_BITS - 1 : told); // never ahead of what comes later
    store32(to + 12, syn->timestamp);
    if (!syn->has_scale)
        return 16;
    to[16] = TCP_OPTION_NOTHING;
    to[17] = TCP_OPTION_SCALE;
    to[18] = 3;
    to[19] = TCP_WINDOW_SCALE;
    return TCP_COOKIE_OPTIONS_MAX;
}

uint32_t tcp_cookie_make(const struct stack *stack, const struct segment *syn, uint8_t *options, uint32_t *length) {
    struct ends ends = ends_of(syn);
    uint32_t time = (uint32_t)(stack->now / TICK), size = 0, wanted = syn->has_mss ? syn->mss : TCP_MSS_DEFAULT_V4;
    while (size + 1 < SIZES && sizes[size + 1] <= wanted)
        size++;
    uint64_t hashed = hash(stack, &ends, time, size, syn->sequence);
    *length = write_options(stack, syn, (uint32_t)(hashed >> 32), options);
    return cookie_of(time, size, hashed);
}

// `peer`: the sequence number of his SYN. *hashed only if it is ours.
static bool is_ours(const struct stack *stack, const struct ends *ends, uint32_t cookie, uint32_t peer, uint64_t *hashed) {
    uint32_t now = (uint32_t)(stack->now / TICK), size = cookie >> HASH_BITS & (SIZES - 1);
    for (uint32_t age = 0; age < AGE_MAX && age <= now; age++) {
        uint32_t time = now - age;
        if ((time & ((1 << TIME_BITS) - 1)) != cookie >> (32 - TIME_BITS))
            continue;
        *hashed = hash(stack, ends, time, size, peer);
        if (cookie == cookie_of(time, size, *hashed))
            return true;
    }
    return false;
}

bool tcp_cookie_is_ours(const struct stack *stack, const struct address *source, const struct address *destination,
                        const uint8_t *header) {
    struct ends ends = {source, destination, load16(header), load16(header + 2)};
    uint64_t ignored;
    return is_ours(stack, &ends, load32(header + 8) - 1, load32(header + 4) - 1, &ignored);
}

bool tcp_cookie_take(const struct stack *stack, const struct segment *ack, struct segment *syn, uint32_t *timestamp_offset) {
    struct ends ends = ends_of(ack);
    uint32_t cookie = ack->acknowledgement - 1, bits = ack->timestamp_echo & OPTION_BITS;
    uint64_t hashed;
    if (!is_ours(stack, &ends, cookie, ack->sequence - 1, &hashed))
        return false;
    *timestamp_offset = (uint32_t)(hashed >> 32);
    *syn = *ack;
    syn->sequence = ack->sequence - 1;
    syn->has_mss = true;
    syn->mss = sizes[cookie >> HASH_BITS & (SIZES - 1)];
    syn->has_scale = ack->has_timestamp && (bits & NO_SCALE) <= TCP_SCALE_MAX;
    syn->scale = syn->has_scale ? bits & NO_SCALE : 0;
    syn->sack_permitted = ack->has_timestamp && (bits & SACK_BIT) != 0;
    return true;
}

// --- straight from a frame
static bool parse_v4(const uint8_t *bytes, uint32_t length, struct packet *packet) {
    uint32_t total = length >= IPV4_HEADER_BYTES ? load16(bytes + 2) : 0;
    if (length < IPV4_HEADER_BYTES || bytes[0] != 0x45 || total < IPV4_HEADER_BYTES || total > length ||
        (load16(bytes + 6) & 0x3fff) != 0 || checksum_finish(checksum_add(0, bytes, IPV4_HEADER_BYTES)) != 0)
        return false;
    packet->v4 = true;
    packet->source = address_from_v4(load32(bytes + 12));
    packet->destination = address_from_v4(load32(bytes + 16));
    packet->payload = bytes + IPV4_HEADER_BYTES;
    packet->length = total - IPV4_HEADER_BYTES;
    return true;
}

static bool parse_v6(const uint8_t *bytes, uint32_t length, struct packet *packet) {
    uint32_t payload = length >= IPV6_HEADER_BYTES ? load16(bytes + 4) : 0;
    if (length < IPV6_HEADER_BYTES || payload > length - IPV6_HEADER_BYTES || bytes[6] != PROTOCOL_NUMBER_TCP)
        return false;
    packet->source = address_from_bytes(bytes + 8);
    packet->destination = address_from_bytes(bytes + 24);
    packet->payload = bytes + IPV6_HEADER_BYTES;
    packet->length = payload;
    return true;
}

// To an address of this interface, from one that can be answered (RFC 1122 section 3.2.1.3).
static bool is_sound(struct interface *interface, const struct packet *packet) {
    const struct interface_address *own = interface_address_find(interface, &packet->destination);
    const struct address *source = &packet->source;
    if (own == NULL || own->state == ADDRESS_TENTATIVE || address_equal(source, &packet->destination))
        return false;
    if (!packet->v4)
        return source->bytes[0] != 0xff && !address_is_unspecified(source) && !address_is_loopback(source);
    uint8_t first = source->bytes[ADDRESS_BYTES - 4]; // 224 and above: groups, and everybody
    uint32_t host = own->prefix > 126 ? 0 : UINT32_MAX >> (own->prefix - ADDRESS_V4_PREFIX);
    return first != 0 && first != 127 && first < 224 &&
           (host == 0 || address_v4(source) != (address_v4(&packet->destination) | host));
}

static uint32_t write_answer(struct tcp *listener, const struct segment *syn, uint8_t *answer) {
    const struct packet *packet = syn->packet;
    struct interface *interface = packet->interface;
    struct flow flow = {.source = packet->destination,
                        .destination = packet->source,
                        .protocol = PROTOCOL_NUMBER_TCP,
                        .hops = !packet->v4 && interface->hop_limit != 0 ? interface->hop_limit : IP_HOPS_DEFAULT};
    uint32_t header = packet->v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES, options;
    uint8_t *at = answer + ETHERNET_HEADER_BYTES, *segment = at + header;
    uint32_t cookie = tcp_cookie_make(interface->stack, syn, segment + TCP_HEADER_BYTES, &options),
             length = TCP_HEADER_BYTES + options;
    tcp_write_bare_header(segment, syn, cookie, syn->sequence + 1, TCP_SYN | TCP_ACK,
                          smaller(listener->socket.options.receive_limit, UINT16_MAX), length);
    uint64_t sum = checksum_pseudo_header(&flow.source, &flow.destination, flow.protocol, length);
    store16(segment + 16, checksum_finish(checksum_add(sum, segment, length)));
    if (packet->v4)
        ipv4_header(at, &flow, length, 0, 0x4000); // RFC 6864 section 4.1: what is not cut needs no identification
    else
        ipv6_header(at, &flow, length, flow.protocol);
    return ETHERNET_HEADER_BYTES + header + length;
}

uint32_t tcp_cookie_answer(struct interface *interface, const uint8_t *frame, uint32_t length, bool sum_checked,
                           uint8_t *answer) {
    struct packet packet = {.interface = interface};
    struct segment syn;
    const uint8_t *bytes = frame + ETHERNET_HEADER_BYTES;
    bool v4 = load16(frame + 12) == ETHERTYPE_IPV4;
    length -= ETHERNET_HEADER_BYTES;
    if ((frame[0] & 1) != 0 || (frame[MAC_BYTES] & 1) != 0 || !(v4 ? parse_v4 : parse_v6)(bytes, length, &packet) ||
        !is_sound(interface, &packet) || (!sum_checked && !tcp_sum_is_right(&packet)) || tcp_parse(&packet, &syn) != ERR_OK ||
        syn.length != 0)
        return 0;
    struct tcp *listener = tcp_find_listener(interface->stack, &packet, syn.destination);
    if (listener == NULL || listener->waiting >= listener->backlog)
        return 0;
    __builtin_memcpy(answer, frame + MAC_BYTES, MAC_BYTES);
    __builtin_memcpy(answer + MAC_BYTES, interface->mac, MAC_BYTES);
    store16(answer + 12, v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    return write_answer(listener, &syn, answer);
}
