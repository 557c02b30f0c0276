// libFuzzer: frames of any kind into one stack with listeners, a connection and IPv6. The input is a row of
// frames, each behind two bytes of length and flags: bit 15 repairs checksums, bit 14 lets a second pass, bit
// 13 addresses it to the stack. The same input gives the same run.
#include <stdlib.h>

#include "servers/net/dhcp.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

enum { FRAME_BYTES = 2048, REPAIR = 0x8000, WAIT = 0x4000, ADDRESSED = 0x2000 };

static struct stack stack;
static struct interface *interface;
static uint8_t outgoing[FRAME_BYTES];
static struct dhcp dhcp;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *frame_begin(void *context) {
    (void)context;
    return outgoing;
}

static void frame_send(void *context, uint8_t *frame, uint32_t length) {
    (void)context;
    if (length > ETHERNET_HEADER_BYTES + ETHERNET_MTU || (length != 0 && frame != outgoing))
        abort();
}

static const struct link_ops ops = {.frame_begin = frame_begin, .frame_send = frame_send};

// So that the fuzzer gets past the sums: IPv4's, then TCP's, UDP's and ICMP's.
static void repair(uint8_t *frame, uint32_t length) {
    uint8_t *packet = frame + ETHERNET_HEADER_BYTES, *payload;
    struct address source, destination;
    uint32_t left = length - ETHERNET_HEADER_BYTES, total;
    uint8_t protocol;
    if (load16(frame + 12) == ETHERTYPE_IPV4 && left >= IPV4_HEADER_BYTES) {
        uint32_t header = (packet[0] & 15u) * 4;
        if (header < IPV4_HEADER_BYTES || header > left)
            return;
        store16(packet + 10, 0);
        store16(packet + 10, checksum_finish(checksum_add(0, packet, header)));
        source = address_from_v4(load32(packet + 12));
        destination = address_from_v4(load32(packet + 16));
        protocol = packet[9];
        payload = packet + header;
        total = load16(packet + 2) >= header && load16(packet + 2) <= left ? load16(packet + 2) - header : 0;
    } else if (load16(frame + 12) == ETHERTYPE_IPV6 && left >= IPV6_HEADER_BYTES) {
        source = address_from_bytes(packet + 8);
        destination = address_from_bytes(packet + 24);
        protocol = packet[6];
        payload = packet + IPV6_HEADER_BYTES;
        total = smaller(load16(packet + 4), left - IPV6_HEADER_BYTES);
    } else {
        return;
    }
    uint32_t at = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
    if (total < at + 2 || (protocol != 1 && protocol != 6 && protocol != 17 && protocol != 58))
        return;
    uint64_t sum = protocol == 1 ? 0 : checksum_pseudo_header(&source, &destination, protocol, total);
    store16(payload + at, 0);
    store16(payload + at, checksum_finish(checksum_add(sum, payload, total)));
}

static struct socket *open_at(enum socket_kind kind, uint16_t port) {
    struct socket_name name = {.port = port};
    struct socket *socket;
    if (stack_socket_open(&stack, kind, true, 0, &socket) != ERR_OK || stack_socket_bind(socket, &name) != ERR_OK)
        abort();
    if (kind == SOCKET_STREAM && stack_socket_listen(socket, 4) != ERR_OK)
        abort();
    return socket;
}

static void start(void) {
    static const uint8_t mac[MAC_BYTES] = {2, 0, 0, 0, 0, 1};
    uint8_t random[32] = {1};
    struct address v4 = address_from_v4(0x0a000001), peer = address_from_v4(0x0a000002);
    if (stack_initialize(&stack, random, 16 << 20, NANOSECONDS_PER_SECOND) != ERR_OK ||
        interface_add(&stack, "eth0", mac, ETHERNET_MTU, &ops, NULL, &interface) != ERR_OK)
        abort();
    interface->autoconfigure = true;
    interface_set_up(interface, true);
    interface_set_link(interface, true);
    if (interface_add_address(interface, &v4, ADDRESS_V4_PREFIX + 24) != ERR_OK)
        abort();
    neighbour_learned(interface, &peer, mac, true, true, true);
}

static void run_for(uint64_t nanoseconds) {
    stack.now += nanoseconds;
    for (int i = 0; i < 8; i++)
        stack_run(&stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct socket *sockets[4], *accepted[8];
    uint32_t accepted_count = 0;
    start();
    sockets[0] = open_at(SOCKET_STREAM, 80);
    sockets[1] = open_at(SOCKET_DATAGRAM, 7);
    sockets[2] = open_at(SOCKET_STREAM, 81);
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = 4000};
    if (stack_socket_open(&stack, SOCKET_STREAM, false, 0, &sockets[3]) != ERR_OK ||
        stack_socket_connect(sockets[3], &name) != ERR_IN_PROGRESS || dhcp_start(&dhcp, interface) != ERR_OK)
        abort();
    run_for(2 * NANOSECONDS_PER_SECOND);
    while (size >= 2) {
        uint32_t head = load16(data), length = smaller(head & 0x7ff, (uint32_t)size - 2);
        uint8_t *frame = malloc(length != 0 ? length : 1);
        memcpy(frame, data + 2, length);
        data += 2 + length;
        size -= 2 + length;
        if ((head & ADDRESSED) != 0 && length >= 34) {
            memcpy(frame, interface->mac, MAC_BYTES);
            if (load16(frame + 12) == ETHERTYPE_IPV4)
                store32(frame + 30, 0x0a000001);
        }
        if ((head & REPAIR) != 0 && length > ETHERNET_HEADER_BYTES)
            repair(frame, length);
        uint8_t answer[TCP_COOKIE_FRAME_MAX]; // as arrivals.c does it
        if (admission_is_call(admission_look(interface, frame, length)) &&
            tcp_cookie_answer(interface, frame, length, false, answer) > sizeof(answer))
            abort();
        interface_input(interface, frame, length);
        free(frame);
        run_for((head & WAIT) != 0 ? NANOSECONDS_PER_SECOND : 1000000);
        if (accepted_count < 8 && stack_socket_accept(sockets[0], &accepted[accepted_count]) == ERR_OK)
            accepted_count++;
    }
    for (uint32_t i = 0; i < accepted_count; i++)
        stack_socket_close(accepted[i]);
    for (uint32_t i = 0; i < 4; i++)
        stack_socket_close(sockets[i]);
    dhcp_stop(&dhcp);
    for (int i = 0; i < 400; i++)
        run_for(2 * NANOSECONDS_PER_SECOND);
    stack_finish(&stack);
    if (stack.memory_used != 0)
        abort();
    return 0;
}
