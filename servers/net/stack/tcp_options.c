// TCP's header and options: RFC 9293 sections 3.1 and 3.2, RFC 7323 (scale, timestamps), RFC 2018 and 2883
// (selective acknowledgements). Stores to frames and to its callers' stacks only, and is built without notes.
#include "servers/net/stack/tcp.h"

uint32_t tcp_clock(const struct stack *stack) {
    return (uint32_t)(stack->now / NANOSECONDS_PER_MILLISECOND);
}

static void parse_sack(struct segment *segment, const uint8_t *blocks, uint32_t bytes) {
    for (uint32_t i = 0; i + 8 <= bytes && segment->sack_count < TCP_SACK_BLOCKS; i += 8)
        segment->sack[segment->sack_count++] = (struct range){load32(blocks + i), load32(blocks + i + 4)};
}

static void parse_option(struct segment *segment, uint8_t kind, const uint8_t *value, uint32_t length) {
    bool syn = (segment->flags & TCP_SYN) != 0;
    if (kind == TCP_OPTION_MSS && length == 2 && syn) {
        segment->has_mss = true;
        segment->mss = load16(value);
    } else if (kind == TCP_OPTION_SCALE && length == 1 && syn) {
        segment->has_scale = true;
        segment->scale = value[0] > TCP_SCALE_MAX ? TCP_SCALE_MAX : value[0];
    } else if (kind == TCP_OPTION_SACK_PERMITTED && length == 0 && syn) {
        segment->sack_permitted = true;
    } else if (kind == TCP_OPTION_TIMESTAMP && length == 8) {
        segment->has_timestamp = true;
        segment->timestamp = load32(value);
        segment->timestamp_echo = load32(value + 4);
    } else if (kind == TCP_OPTION_SACK && length % 8 == 0 && !syn) {
        parse_sack(segment, value, length);
    }
}

// RFC 9293 section 3.1: unknown options are skipped; one with a length that can't be ends the list.
static void parse_options(struct segment *segment, const uint8_t *options, uint32_t length) {
    for (uint32_t i = 0; i < length;) {
        uint8_t kind = options[i];
        if (kind == TCP_OPTION_END)
            return;
        if (kind == TCP_OPTION_NOTHING) {
            i++;
            continue;
        }
        if (length - i < 2 || options[i + 1] < 2 || options[i + 1] > length - i)
            return;
        parse_option(segment, kind, options + i + 2, options[i + 1] - 2u);
        i += options[i + 1];
    }
}

bool tcp_sum_is_right(const struct packet *packet) {
    uint64_t sum = checksum_pseudo_header(&packet->source, &packet->destination, PROTOCOL_NUMBER_TCP, packet->length);
    return checksum_finish(checksum_add(sum, packet->payload, packet->length)) == 0;
}

error_t tcp_parse(const struct packet *packet, struct segment *segment) {
    const uint8_t *header = packet->payload;
    uint32_t offset = packet->length >= TCP_HEADER_BYTES ? (header[12] >> 4) * 4u : 0;
    if (offset < TCP_HEADER_BYTES || offset > packet->length)
        return ERR_INVALID;
    *segment = (struct segment){
        .packet = packet,
        .source = load16(header),
        .destination = load16(header + 2),
        .sequence = load32(header + 4),
        .acknowledgement = load32(header + 8),
        .flags = header[13] & 0x3f,
        .window = load16(header + 14),
        .urgent = load16(header + 18),
        .data = header + offset,
        .length = packet->length - offset,
    };
    if (segment->source == 0 || segment->destination == 0)
        return ERR_INVALID;
    parse_options(segment, header + TCP_HEADER_BYTES, offset - TCP_HEADER_BYTES);
    return ERR_OK;
}

// --- writing
static uint32_t write_timestamp(const struct tcp *tcp, uint8_t *to) {
    to[0] = TCP_OPTION_TIMESTAMP;
    to[1] = 10;
    store32(to + 2, tcp_clock(tcp->socket.stack) + tcp->timestamp_offset);
    store32(to + 6, tcp->ts_recent);
    return 10;
}

static uint32_t write_syn_options(const struct tcp *tcp, uint8_t *to) {
    uint32_t length = 0;
    to[length++] = TCP_OPTION_MSS;
    to[length++] = 4;
    store16(to + length, tcp_own_mss(tcp));
    length += 2;
    if (tcp->sack_ok) {
        to[length++] = TCP_OPTION_SACK_PERMITTED;
        to[length++] = 2;
    }
    if (tcp->timestamp_ok) {
        while (length % 4 != 2)
            to[length++] = TCP_OPTION_NOTHING;
        length += write_timestamp(tcp, to + length);
    }
    if (tcp->scale_ok) {
        while (length % 4 != 1)
            to[length++] = TCP_OPTION_NOTHING;
        to[length++] = TCP_OPTION_SCALE;
        to[length++] = 3;
        to[length++] = tcp->rcv_scale;
    }
    while (length % 4 != 0)
        to[length++] = TCP_OPTION_NOTHING;
    return length;
}

static uint32_t write_sack(const struct tcp *tcp, uint8_t *to, uint32_t room) {
    uint32_t most = (room - 4) / 8, count = 0;
    uint8_t *block = to + 4;
    if (tcp->has_duplicate && most != 0) { // RFC 2883 section 4: first, and once
        store32(block, tcp->duplicate.start);
        store32(block + 4, tcp->duplicate.end);
        count++;
    }
    for (uint32_t i = 0; i < tcp->ahead_count && count < most; i++, count++) {
        store32(block + 8 * count, tcp->ahead[i].start);
        store32(block + 8 * count + 4, tcp->ahead[i].end);
    }
    to[0] = to[1] = TCP_OPTION_NOTHING;
    to[2] = TCP_OPTION_SACK;
    to[3] = (uint8_t)(2 + 8 * count);
    return 4 + 8 * count;
}

static uint32_t write_options(const struct tcp *tcp, uint8_t *to, bool syn) {
    uint32_t length = 0;
    if (syn)
        return write_syn_options(tcp, to);
    if (tcp->timestamp_ok) {
        to[length++] = TCP_OPTION_NOTHING;
        to[length++] = TCP_OPTION_NOTHING;
        length += write_timestamp(tcp, to + length);
    }
    if (tcp->sack_ok && (tcp->ahead_count != 0 || tcp->has_duplicate))
        length += write_sack(tcp, to + length, TCP_OPTIONS_MAX - length);
    return length;
}

void tcp_write_bare_header(uint8_t *to, const struct segment *answered, uint32_t sequence, uint32_t acknowledgement,
                           uint8_t flags, uint32_t window, uint32_t length) {
    store16(to, answered->destination);
    store16(to + 2, answered->source);
    store32(to + 4, sequence);
    store32(to + 8, acknowledgement);
    to[12] = (uint8_t)(length / 4 << 4);
    to[13] = flags;
    store16(to + 14, window);
    store32(to + 16, 0);
}

uint32_t tcp_write_header(const struct tcp *tcp, uint8_t *to, uint32_t sequence, uint8_t flags, uint32_t window) {
    uint32_t length = TCP_HEADER_BYTES;
    if ((flags & TCP_RST) == 0)
        length += write_options(tcp, to + length, (flags & TCP_SYN) != 0);
    store16(to, tcp->socket.local.port);
    store16(to + 2, tcp->socket.remote.port);
    store32(to + 4, sequence);
    store32(to + 8, (flags & TCP_ACK) != 0 ? tcp->rcv_nxt : 0);
    to[12] = (uint8_t)(length / 4 << 4);
    to[13] = flags;
    store16(to + 14, window);
    store32(to + 16, 0);
    return length;
}
