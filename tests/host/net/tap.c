// The stack on a tap device of Linux, so that Linux's own TCP/IP is the peer: `tap DEVICE [LINE [CAPTURE]]` serves 10.9.0.2/24
// and fd09::2/64 over a rough line (rough_line.h). Ports: 7 echoes (TCP and UDP), 9 swallows, 19 sends 8 MiB of a pattern and
// ends, 20 connects back to port 7007 of whoever connects and echoes there, 21 opens a connection from 7021 to 7021 of whoever
// connects, who does the same, and echoes there. A line on standard input is answered by the connections and their states; its
// end ends the program.
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"
#include "tests/host/net/rough_line.h"

enum { FRAME_MAX = 2048, CONNECTIONS_MAX = 12000, SOURCE_BYTES = 8 << 20, CROSSING_PORT = 7021 };

struct connection {
    struct socket *socket;
    uint16_t port;
    uint64_t sent;
    bool shut, changed, used;
};

static int tap;
static struct stack stack;
static struct interface *interface;
static struct connection connections[CONNECTIONS_MAX];
static struct socket *udp;
static FILE *capture;
static uint8_t outgoing[FRAME_MAX];
static const uint16_t ports[] = {7, 9, 19, 20, 21};
static struct socket *listeners[2 * sizeof(ports) / sizeof(ports[0])];
static uint32_t listener_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// --- frames. Both ways as the stack sends and gets them, in a file for tshark (pcap).
static void capture_frame(const uint8_t *bytes, uint32_t length) {
    uint64_t now = rough_line_clock();
    uint32_t head[4] = {(uint32_t)(now / 1000000000), (uint32_t)(now % 1000000000), length, length};
    if (capture != NULL) {
        fwrite(head, sizeof(head), 1, capture);
        fwrite(bytes, length, 1, capture);
    }
}

static void capture_to(const char *name) {
    static const uint32_t head[6] = {0xa1b23c4d, 2 | 4 << 16, 0, 0, 65535, 1}; // nanoseconds, Ethernet
    capture = fopen(name, "wb");
    if (capture == NULL || fwrite(head, sizeof(head), 1, capture) != 1)
        fail(name);
}

static void arrive(bool inward, const uint8_t *bytes, uint32_t length) {
    if (inward) {
        capture_frame(bytes, length);
        interface_input(interface, bytes, length);
    } else if (write(tap, bytes, length) < 0 && errno != EIO && errno != EAGAIN && errno != EINVAL) {
        fail("tap");
    }
}

static uint8_t *frame_begin(void *context) {
    (void)context;
    return outgoing;
}

static void frame_send(void *context, uint8_t *frame, uint32_t length) {
    (void)context;
    if (length == 0)
        return;
    capture_frame(frame, length);
    rough_line_pass(false, frame, length, rough_line_clock());
}

static const struct link_ops ops = {.frame_begin = frame_begin, .frame_send = frame_send};

// --- services
static void changed(struct socket *socket) {
    ((struct connection *)socket->owner)->changed = true;
}

static struct connection *take_connection(struct socket *socket, uint16_t port) {
    for (uint32_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (connections[i].used)
            continue;
        connections[i] = (struct connection){.socket = socket, .port = port, .changed = true, .used = true};
        socket->owner = &connections[i];
        socket->changed = changed;
        return &connections[i];
    }
    stack_socket_close(socket);
    return NULL;
}

// So that a reset that the line lost is noticed by a connection that has nothing to send.
static void keep_alive(struct socket *socket) {
    socket->options.keep_alive = true;
    socket->options.keep_idle = 5;
    socket->options.keep_interval = 2;
}

static void connect_back(const struct socket *from, bool crossing) {
    struct socket *socket;
    struct socket_name name = {.address = from->remote.address, .port = crossing ? CROSSING_PORT : 7007};
    struct socket_name own = {.address = from->local.address, .port = CROSSING_PORT};
    bool v6 = !address_is_v4(&name.address);
    if (stack_socket_open(&stack, SOCKET_STREAM, v6, 0, &socket) != ERR_OK)
        return;
    keep_alive(socket);
    socket->options.reuse_address = true;
    if (crossing && stack_socket_bind(socket, &own) != ERR_OK) {
        stack_socket_close(socket);
        return;
    }
    if (stack_socket_connect(socket, &name) == ERR_IN_PROGRESS)
        take_connection(socket, 7);
    else
        stack_socket_close(socket);
}

static void accept_all(void) {
    struct socket *socket;
    for (uint32_t i = 0; i < listener_count; i++)
        while (stack_socket_accept(listeners[i], &socket) == ERR_OK) {
            uint16_t port = listeners[i]->local.port;
            if (take_connection(socket, port) != NULL && port >= 20)
                connect_back(socket, port == 21);
        }
}

static void close_connection(struct connection *connection) {
    stack_socket_close(connection->socket);
    connection->used = false;
}

// Moves what it can; false: nothing.
static bool echo(struct connection *connection) {
    struct piece in[2], out[2];
    uint32_t in_count, out_count, length = 0;
    error_t error = stack_socket_stream_data(connection->socket, 0, 65536, in, &in_count);
    if (error == ERR_OK && in_count == 0 && !connection->shut) {
        connection->shut = true;
        error_t ignored = stack_socket_shutdown(connection->socket, STACK_SIDE_WRITE);
        (void)ignored;
        close_connection(connection);
        return false;
    }
    if (error == ERR_AGAIN)
        return false;
    if (error != ERR_OK) {
        close_connection(connection);
        return false;
    }
    if (connection->port == 9) {
        stack_socket_stream_taken(connection->socket, in[0].length);
        return true;
    }
    error = stack_socket_stream_room(connection->socket, in[0].length, out, &out_count);
    if (error == ERR_AGAIN)
        return false;
    if (error != ERR_OK) {
        close_connection(connection);
        return false;
    }
    for (uint32_t i = 0; i < out_count; i++) {
        memcpy((void *)(uintptr_t)out[i].data, (const uint8_t *)in[0].data + length, out[i].length);
        length += out[i].length;
    }
    stack_socket_stream_written(connection->socket, length);
    stack_socket_stream_taken(connection->socket, length);
    return true;
}

static bool source(struct connection *connection) {
    struct piece out[2];
    uint32_t count, length = 0;
    if (connection->sent == SOURCE_BYTES) {
        close_connection(connection);
        return false;
    }
    uint32_t left = smaller((uint32_t)(SOURCE_BYTES - connection->sent), 65536);
    error_t error = stack_socket_stream_room(connection->socket, left, out, &count);
    if (error == ERR_AGAIN)
        return false;
    if (error != ERR_OK) {
        close_connection(connection);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < out[i].length; j++, length++)
            ((uint8_t *)(uintptr_t)out[i].data)[j] = (uint8_t)((connection->sent + length) * 7 >> 3);
    stack_socket_stream_written(connection->socket, length);
    connection->sent += length;
    return true;
}

static void serve_all(void) {
    const struct datagram *datagram;
    accept_all();
    for (uint32_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &connections[i];
        if (!connection->used || !connection->changed)
            continue;
        connection->changed = false;
        while (connection->used && (connection->port == 19 ? source(connection) : echo(connection)))
            ;
    }
    while ((datagram = stack_socket_peek(udp)) != NULL) {
        error_t ignored = stack_socket_send(udp, &datagram->from, datagram->bytes, datagram->length);
        (void)ignored;
        stack_socket_drop(udp);
    }
}

// --- wiring
static void listen_at(bool v6, uint16_t port) {
    struct socket_name name = {.address = v6 ? address_unspecified : address_v4_unspecified, .port = port};
    struct socket *socket;
    if (stack_socket_open(&stack, SOCKET_STREAM, v6, 0, &socket) != ERR_OK)
        fail("socket");
    socket->options.only_v6 = v6;
    keep_alive(socket);
    stack_socket_set_limits(socket, SOCKET_BUFFER_MAX, SOCKET_BUFFER_MAX);
    if (stack_socket_bind(socket, &name) != ERR_OK || stack_socket_listen(socket, 512) != ERR_OK)
        fail("listen");
    listeners[listener_count++] = socket;
}

static void open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0)
        fail(name);
}

static void open_stack(void) {
    static const uint8_t mac[MAC_BYTES] = {2, 0x4b, 0x65, 0x65, 0x6c, 2};
    struct address v4 = address_from_v4(0x0a090002), v6 = {.bytes = {0xfd, 0x09, [15] = 2}};
    struct socket_name any = {.address = address_unspecified, .port = 7};
    uint8_t random[32];
    for (uint32_t i = 0; i < sizeof(random); i++)
        random[i] = (uint8_t)(rough_line_clock() >> (i % 4 * 8)) ^ (uint8_t)i;
    if (stack_initialize(&stack, random, UINT64_C(512) << 20, rough_line_clock()) != ERR_OK ||
        interface_add(&stack, "eth0", mac, ETHERNET_MTU, &ops, NULL, &interface) != ERR_OK)
        fail("stack");
    interface->autoconfigure = true;
    interface_set_up(interface, true);
    interface_set_link(interface, true);
    if (interface_add_address(interface, &v4, ADDRESS_V4_PREFIX + 24) != ERR_OK ||
        interface_add_address(interface, &v6, 64) != ERR_OK ||
        stack_socket_open(&stack, SOCKET_DATAGRAM, true, 0, &udp) != ERR_OK || stack_socket_bind(udp, &any) != ERR_OK)
        fail("stack");
    for (uint32_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        listen_at(false, ports[i]);
        listen_at(true, ports[i]);
    }
}

static void print_statistics(void) {
#define PRINT(name)                                                                                                              \
    if (stack.statistics.name != 0)                                                                                              \
        printf("%s %llu\n", #name, (unsigned long long)stack.statistics.name);
    STATISTICS_LIST(PRINT)
#undef PRINT
}

// Connections and their states; LISTEN is not one.
static void print_states(void) {
    for (uint32_t i = 0; i < CONNECTION_BUCKETS; i++)
        for (const struct tcp *at = stack.connections[i]; at != NULL; at = at->next)
            printf("%s %u %u\n", tcp_state_name(at->state), at->socket.local.port, at->socket.remote.port);
    printf("end\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    uint8_t frame[FRAME_MAX];
    ssize_t length;
    if (argc < 2)
        return 2;
    if (!rough_line_set(argc > 2 ? argv[2] : "", arrive))
        return 2;
    if (argc > 3)
        capture_to(argv[3]);
    open_tap(argv[1]);
    open_stack();
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        uint64_t now = rough_line_clock(), next = stack_next_time(&stack), due = rough_line_run(now);
        next = due != 0 && (next == 0 || due < next) ? due : next;
        int wait = next == 0 ? 1000 : next <= now ? 0 : (int)((next - now) / 1000000) + 1;
        struct pollfd polls[2] = {{.fd = tap, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
        poll(polls, 2, wait < 1000 ? wait : 1000);
        if (polls[1].revents != 0) {
            if (read(STDIN_FILENO, frame, sizeof(frame)) <= 0)
                break;
            print_states();
        }
        stack.now = rough_line_clock();
        for (int i = 0; i < 64 && (length = read(tap, frame, sizeof(frame))) > 0; i++)
            rough_line_pass(true, frame, (uint32_t)length, rough_line_clock());
        stack_run(&stack);
        serve_all();
    }
    print_statistics();
    if (capture != NULL)
        fclose(capture);
    return 0;
}
