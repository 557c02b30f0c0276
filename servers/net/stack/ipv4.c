// IPv4 packets that come in: RFC 791 section 3.1, RFC 1122 section 3.2.1. Hosts do not forward.
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ip.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum { OPTION_END = 0, OPTION_NOTHING = 1, OPTION_LOOSE_ROUTE = 131, OPTION_STRICT_ROUTE = 137 };

// RFC 1122 section 3.2.1.8: options are passed over, but must be well formed; source routes that are not at
// their end are not obeyed (RFC 7126 section 4.3).
static bool options_are_sound(const uint8_t *options, uint32_t length) {
    for (uint32_t i = 0; i < length;) {
        uint8_t kind = options[i];
        if (kind == OPTION_END)
            return true;
        if (kind == OPTION_NOTHING) {
            i++;
            continue;
        }
        if (length - i < 2 || options[i + 1] < 2 || options[i + 1] > length - i)
            return false;
        if (kind == OPTION_LOOSE_ROUTE || kind == OPTION_STRICT_ROUTE)
            return false;
        i += options[i + 1];
    }
    return true;
}

// RFC 1122 section 3.2.1.3: never valid as a source; nor is our own address on a wire.
static bool source_is_sound(struct interface *interface, const struct address *source) {
    if (address_is_multicast(source) || interface_is_broadcast(interface, source))
        return false;
    return interface->loopback || (!address_is_loopback(source) && interface_address_find(interface, source) == NULL);
}

void ipv4_input(struct interface *interface, const uint8_t *bytes, uint32_t length) {
    struct stack *stack = interface->stack;
    stack->statistics.ip_in++;
    uint32_t header = length >= IPV4_HEADER_BYTES ? (bytes[0] & 0xfu) * 4 : 0;
    uint32_t total = length >= IPV4_HEADER_BYTES ? load16(bytes + 2) : 0;
    if (header < IPV4_HEADER_BYTES || bytes[0] >> 4 != 4 || total < header || total > length ||
        checksum_finish(checksum_add(0, bytes, header)) != 0) {
        stack->statistics.ip_bad++;
        return;
    }
    struct packet packet = {
        .interface = interface,
        .source = address_from_v4(load32(bytes + 12)),
        .destination = address_from_v4(load32(bytes + 16)),
        .protocol = bytes[9],
        .hops = bytes[8],
        .traffic_class = bytes[1],
        .v4 = true,
        .network = bytes,
        .network_length = total,
        .payload = bytes + header,
        .length = total - header,
    };
    if (!source_is_sound(interface, &packet.source) ||
        !options_are_sound(bytes + IPV4_HEADER_BYTES, header - IPV4_HEADER_BYTES)) {
        stack->statistics.ip_bad++;
        return;
    }
    packet.group = address_is_multicast(&packet.destination) || interface_is_broadcast(interface, &packet.destination);
    if (!interface_accepts(interface, &packet.destination) && !socket_accepts_anything(stack, interface, &packet)) {
        stack->statistics.ip_not_ours++;
        return;
    }
    uint32_t fragment = load16(bytes + 6);
    if ((fragment & 0x3fff) == 0) {
        ip_deliver(stack, &packet);
        return;
    }
    struct fragment part = {.packet = packet,
                            .identification = load16(bytes + 4),
                            .offset = (fragment & 0x1fff) * 8,
                            .more = (fragment & 0x2000) != 0,
                            .header_length = header};
    struct packet whole;
    stack->statistics.ip_fragments_in++;
    if (reassembly_input(stack, &part, &whole)) {
        ip_deliver(stack, &whole);
        reassembly_done(stack);
    }
}
