// See describe.h. What is cut off is said to be.
#include "programs/capture/describe.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum { ETHERNET_BYTES = 14, TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, HEADERS_MOST = 8 };

struct bytes {
    const uint8_t *at;
    uint32_t length;
};

static uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
    return get16(at) << 16 | get16(at + 2);
}

// Takes `count` bytes from the front; false, with a word about it: there are fewer.
static bool take(struct bytes *rest, uint32_t count, const uint8_t **taken, struct buffer *line) {
    if (rest->length < count) {
        buffer_append_text(line, " (cut off)");
        return false;
    }
    *taken = rest->at;
    rest->at += count;
    rest->length -= count;
    return true;
}

static void address_append(struct buffer *line, int family, const uint8_t *address) {
    char text[INET6_ADDRSTRLEN] = "?";
    (void)inet_ntop(family, address, text, sizeof(text));
    buffer_append_text(line, text);
}

static void mac_append(struct buffer *line, const uint8_t *mac) {
    buffer_format(line, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void tcp_describe(struct buffer *line, struct bytes rest) {
    static const char letters[] = "FSRPAUEC";
    const uint8_t *head;
    uint32_t whole = rest.length;
    if (!take(&rest, 20, &head, line))
        return;
    uint32_t header = (uint32_t)(head[12] >> 4) * 4;
    buffer_format(line, " TCP %u > %u [", get16(head), get16(head + 2));
    for (uint32_t bit = 0; bit < 8; bit++)
        if (head[13] >> bit & 1)
            buffer_append_byte(line, letters[bit]);
    buffer_format(line, "] seq %u ack %u win %u len %u", get32(head + 4), get32(head + 8), get16(head + 14),
                  header >= 20 && header <= whole ? whole - header : 0);
}

static void icmp_describe(struct buffer *line, struct bytes rest, bool is_6) {
    const uint8_t *head;
    if (!take(&rest, 8, &head, line))
        return;
    const char *name = NULL;
    if (is_6)
        name = head[0] == 128   ? "echo request"
               : head[0] == 129 ? "echo reply"
               : head[0] == 133 ? "router solicitation"
               : head[0] == 134 ? "router advertisement"
               : head[0] == 135 ? "neighbour solicitation"
               : head[0] == 136 ? "neighbour advertisement"
                                : NULL;
    else
        name = head[0] == 0    ? "echo reply"
               : head[0] == 3  ? "unreachable"
               : head[0] == 8  ? "echo request"
               : head[0] == 11 ? "time exceeded"
                               : NULL;
    buffer_append_text(line, is_6 ? " ICMPv6 " : " ICMP ");
    if (name)
        buffer_append_text(line, name);
    else
        buffer_format(line, "type %u code %u", head[0], head[1]);
    if (name && strncmp(name, "echo", 4) == 0)
        buffer_format(line, " id %u seq %u", get16(head + 4), get16(head + 6));
}

static void transport_describe(struct buffer *line, uint32_t protocol, struct bytes rest) {
    const uint8_t *head;
    if (protocol == TCP) {
        tcp_describe(line, rest);
    } else if (protocol == UDP) {
        if (take(&rest, 8, &head, line))
            buffer_format(line, " UDP %u > %u len %u", get16(head), get16(head + 2), get16(head + 4));
    } else if (protocol == ICMP || protocol == ICMPV6) {
        icmp_describe(line, rest, protocol == ICMPV6);
    } else {
        buffer_format(line, " protocol %u", protocol);
    }
}

static void ipv4_describe(struct buffer *line, struct bytes rest) {
    const uint8_t *head, *options;
    if (!take(&rest, 20, &head, line))
        return;
    uint32_t header = (uint32_t)(head[0] & 15) * 4, total = get16(head + 2), fragment = get16(head + 6);
    address_append(line, AF_INET, head + 12);
    buffer_append_text(line, " > ");
    address_append(line, AF_INET, head + 16);
    if (header < 20 || total < header || !take(&rest, header - 20, &options, line))
        return;
    if (rest.length > total - header)
        rest.length = total - header; // padding of the frame
    if (fragment & 0x1fff)
        buffer_format(line, " fragment of %u at %u", get16(head + 4), (fragment & 0x1fff) * 8);
    else
        transport_describe(line, head[9], rest);
}

static void ipv6_describe(struct buffer *line, struct bytes rest) {
    const uint8_t *head;
    if (!take(&rest, 40, &head, line))
        return;
    uint32_t next = head[6];
    address_append(line, AF_INET6, head + 8);
    buffer_append_text(line, " > ");
    address_append(line, AF_INET6, head + 24);
    if (rest.length > get16(head + 4))
        rest.length = get16(head + 4);
    for (int i = 0; i < HEADERS_MOST && (next == 0 || next == 43 || next == 60); i++) { // RFC 8200, 4
        const uint8_t *extension, *skipped;
        if (!take(&rest, 8, &extension, line) || !take(&rest, (uint32_t)extension[1] * 8, &skipped, line))
            return;
        next = extension[0];
    }
    if (next == 44)
        buffer_append_text(line, " fragment");
    else
        transport_describe(line, next, rest);
}

static void arp_describe(struct buffer *line, struct bytes rest) {
    const uint8_t *head;
    buffer_append_text(line, "ARP ");
    if (!take(&rest, 28, &head, line))
        return;
    if (get16(head + 6) == 1) {
        buffer_append_text(line, "who has ");
        address_append(line, AF_INET, head + 24);
        buffer_append_text(line, "? tell ");
        address_append(line, AF_INET, head + 14);
    } else {
        address_append(line, AF_INET, head + 14);
        buffer_append_text(line, " is at ");
        mac_append(line, head + 8);
    }
}

void frame_describe(struct buffer *line, const uint8_t *frame, uint32_t length) {
    struct bytes rest = {frame, length};
    const uint8_t *head;
    if (!take(&rest, ETHERNET_BYTES, &head, line))
        return;
    uint32_t type = get16(head + 12);
    if (type == TYPE_IPV4) {
        ipv4_describe(line, rest);
    } else if (type == TYPE_IPV6) {
        ipv6_describe(line, rest);
    } else if (type == TYPE_ARP) {
        arp_describe(line, rest);
    } else {
        mac_append(line, head + 6);
        buffer_append_text(line, " > ");
        mac_append(line, head);
        buffer_format(line, " type %04x", type);
    }
}
