// ARP for IPv4 over Ethernet (RFC 826, RFC 5227); see neighbour.h.
#include "servers/net/stack/neighbour.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum { DEFEND_SECONDS = 10 };

static void send(struct interface *interface, uint32_t operation, uint32_t sender, uint32_t target, const uint8_t *target_mac,
                 const uint8_t *to) {
    uint8_t *frame = interface->ops->frame_begin(interface->context);
    if (frame == NULL)
        return;
    uint8_t *packet = frame + ETHERNET_HEADER_BYTES;
    store16(packet, 1); // Ethernet
    store16(packet + 2, ETHERTYPE_IPV4);
    packet[4] = MAC_BYTES;
    packet[5] = 4;
    store16(packet + 6, operation);
    memcpy(packet + 8, interface->mac, MAC_BYTES);
    store32(packet + 14, sender);
    memcpy(packet + 18, target_mac, MAC_BYTES);
    store32(packet + 24, target);
    interface_output(interface, frame, ETHERNET_HEADER_BYTES + ARP_BYTES, to, ETHERTYPE_ARP);
}

static const uint8_t everybody[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[MAC_BYTES];

void arp_request(struct interface *interface, const struct address *target, const uint8_t *to) {
    const struct address *own = interface_source(interface, target);
    if (!interface->loopback)
        send(interface, ARP_REQUEST, own != NULL ? address_v4(own) : 0, address_v4(target), nobody, to != NULL ? to : everybody);
}

// RFC 5227 section 2.3: tells all, so that old entries go.
void arp_announce(struct interface *interface, const struct address *address) {
    if (!interface->loopback)
        send(interface, ARP_REQUEST, address_v4(address), address_v4(address), nobody, everybody);
}

// RFC 5227 section 2.4 (b): who claims our address is told so, and with it all others, once in ten seconds.
static void defend(struct interface *interface, const struct address *address, const uint8_t *mac) {
    uint64_t now = interface->stack->now;
    if (memcmp(mac, interface->mac, MAC_BYTES) == 0 ||
        (interface->defended_at != 0 && now - interface->defended_at < DEFEND_SECONDS * NANOSECONDS_PER_SECOND))
        return;
    interface->defended_at = now;
    arp_announce(interface, address);
}

void arp_input(struct interface *interface, const uint8_t *packet, uint32_t length) {
    if (length < ARP_BYTES || load16(packet) != 1 || load16(packet + 2) != ETHERTYPE_IPV4 || packet[4] != MAC_BYTES ||
        packet[5] != 4) {
        interface->stack->statistics.frames_bad++;
        return;
    }
    uint32_t operation = load16(packet + 6);
    struct address sender = address_from_v4(load32(packet + 14));
    struct address target = address_from_v4(load32(packet + 24));
    const uint8_t *mac = packet + 8;
    interface->conflict_watch =
        interface->conflict_watch ||
        (address_v4(&sender) == interface->probed && interface->probed != 0 && memcmp(mac, interface->mac, MAC_BYTES) != 0);
    if (address_is_unspecified(&sender) || address_is_multicast(&sender)) {
        if (!address_is_unspecified(&sender))
            return; // a lie
    } else if (interface_address_find(interface, &sender) == NULL) {
        // The packet updates an entry that is there; it makes one only if it is for us (RFC 826, "merge
        // flag").
        bool for_us = interface_address_find(interface, &target) != NULL;
        neighbour_learned(interface, &sender, mac, operation == ARP_REPLY && for_us, true, for_us && operation == ARP_REQUEST);
    }
    const struct interface_address *own = interface_address_find(interface, &target);
    if (interface_address_find(interface, &sender) != NULL) {
        defend(interface, &sender, mac);
        return;
    }
    if (operation == ARP_REQUEST && own != NULL)
        send(interface, ARP_REPLY, address_v4(&target), address_v4(&sender), mac, mac);
}
