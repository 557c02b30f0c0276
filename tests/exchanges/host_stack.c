// The stack as the subject of scripted exchanges: commands on standard input, one a line; before the answer ("= NUMBER", an errno
// negated) come the frames that the stack sent ("frame TIME HEX"). Time passes only by `pass`. exchange.py writes the commands;
// the guest's exchange_agent.c understands those on sockets too, so that both are tried by the same scripts.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "servers/net/dhcp.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

enum {
    FRAME_MAX = 2048,
    INPUT_MAX = 140000,
    SLOTS = 1024,
    WORDS_MAX = 8,
    MEMORY = 64 << 20,
    END_SECONDS = 2000,
    BUFFER = 1 << 20
};

static const uint8_t own_mac[MAC_BYTES] = {2, 0, 0, 0, 0, 1};
static struct stack stack;
static struct interface *interface;
static struct socket *slots[SLOTS];
static struct dhcp dhcp;
static bool running, silent;
static uint64_t frames_sent;
static uint8_t outgoing[FRAME_MAX];

static void fail(const char *what) {
    fprintf(stderr, "host_stack: %s\n", what);
    abort();
}

static uint8_t *frame_begin(void *context) {
    (void)context;
    return outgoing;
}

static void frame_send(void *context, uint8_t *frame, uint32_t length) {
    static const char digits[] = "0123456789abcdef";
    char text[2 * FRAME_MAX + 1];
    (void)context;
    if (length == 0 || silent)
        return;
    frames_sent++;
    for (uint32_t i = 0; i < length; i++) {
        text[2 * i] = digits[frame[i] >> 4];
        text[2 * i + 1] = digits[frame[i] & 15];
    }
    printf("frame %llu %.*s\n", (unsigned long long)stack.now, (int)(2 * length), text);
}

static const struct link_ops ops = {.frame_begin = frame_begin, .frame_send = frame_send};

// --- life
static void finish(void) {
    silent = true;
    if (dhcp.state != DHCP_OFF)
        dhcp_stop(&dhcp);
    for (uint32_t i = 0; i < SLOTS; i++)
        if (slots[i] != NULL)
            stack_socket_close(slots[i]);
    memset(slots, 0, sizeof(slots));
    for (uint32_t i = 0; i < END_SECONDS; i++) {
        stack.now += NANOSECONDS_PER_SECOND;
        stack_run(&stack);
    }
    stack_finish(&stack);
    if (stack.memory_used != 0)
        fail("memory is left after all connections ended");
    silent = false;
}

// `autoconfigure`: as the server does it, with IPv6; else the link-local address is there at once.
static int64_t reset(bool autoconfigure) {
    static const uint8_t peer_mac[MAC_BYTES] = {2, 0, 0, 0, 0, 2};
    uint8_t random[32] = {1, 2, 3};
    struct address v4 = address_from_v4(0x0a000001), peers[2] = {address_from_v4(0x0a000002)};
    struct address v6 = {.bytes = {0xfe, 0x80, [11] = 0xff, [12] = 0xfe, [15] = 1}};
    peers[1] = v6;
    peers[1].bytes[15] = 2;
    if (running)
        finish();
    running = silent = true;
    memset(&dhcp, 0, sizeof(dhcp));
    if (stack_initialize(&stack, random, MEMORY, 1000 * NANOSECONDS_PER_SECOND) != ERR_OK ||
        interface_add(&stack, "eth0", own_mac, ETHERNET_MTU, &ops, NULL, &interface) != ERR_OK)
        fail("no stack");
    interface_set_up(interface, true);
    interface_set_link(interface, true);
    if (interface_add_address(interface, &v4, ADDRESS_V4_PREFIX + 24) != ERR_OK)
        fail("no address");
    silent = !autoconfigure;
    if (autoconfigure) {
        interface->autoconfigure = true;
        nd_start(interface);
        return 0;
    }
    if (interface_add_address(interface, &v6, 64) != ERR_OK)
        fail("no address");
    for (uint32_t i = 0; i < 2; i++) {
        neighbour_learned(interface, &peers[i], peer_mac, false, true, true);
        neighbour_find(interface, &peers[i])->state = NEIGHBOUR_PERMANENT;
    }
    for (uint32_t i = 0; i < 3; i++) {
        stack.now += NANOSECONDS_PER_SECOND;
        stack_run(&stack);
    }
    silent = false;
    memset(&stack.statistics, 0, sizeof(stack.statistics));
    return 0;
}

// What passed; with `stops` less, if a frame was sent.
static int64_t pass(uint64_t nanoseconds, bool stops) {
    uint64_t from = stack.now, until = from + nanoseconds, sent = frames_sent, next;
    while ((next = stack_next_time(&stack)) != 0 && next <= until) {
        stack.now = next > stack.now ? next : stack.now;
        stack_run(&stack);
        if (stops && frames_sent != sent)
            return (int64_t)(stack.now - from);
    }
    stack.now = until;
    return (int64_t)nanoseconds;
}

// As servers/net/arrivals.c does it.
static bool answer_by_cookie(const uint8_t *frame, uint32_t length) {
    if (stack.raw != NULL || !admission_is_call(admission_look(interface, frame, length)) || !tcp_wants_cookies(&stack))
        return false;
    uint32_t bytes = tcp_cookie_answer(interface, frame, length, false, outgoing);
    if (bytes == 0)
        return false;
    stack.statistics.tcp_cookies_sent++;
    stack.cookie_at = stack.now;
    frame_send(NULL, outgoing, bytes);
    return true;
}

static int64_t take_frame(const char *hex) {
    size_t length = strlen(hex) / 2;
    uint8_t *frame = malloc(length != 0 ? length : 1); // so that the sanitizer sees each byte too many
    for (size_t i = 0; i < length; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        frame[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    if (!answer_by_cookie(frame, (uint32_t)length))
        interface_input(interface, frame, (uint32_t)length);
    free(frame);
    stack_run(&stack);
    return 0;
}

// --- sockets
static struct address address_of(const char *hex) {
    struct address address = {0};
    for (size_t i = 0; i < ADDRESS_BYTES && strlen(hex) == 2 * ADDRESS_BYTES; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        address.bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return address;
}

// open SLOT KIND FAMILY: stream, datagram or echo; 4 or 6.
static int64_t open_socket(uint32_t slot, const char *kind, bool v6) {
    bool stream = strcmp(kind, "stream") == 0, echo = strcmp(kind, "echo") == 0;
    uint8_t protocol = !echo ? 0 : v6 ? PROTOCOL_NUMBER_ICMPV6 : PROTOCOL_NUMBER_ICMP;
    if (slots[slot] != NULL)
        stack_socket_close(slots[slot]);
    slots[slot] = NULL;
    return stack_socket_open(&stack, stream ? SOCKET_STREAM : SOCKET_DATAGRAM, v6, protocol, &slots[slot]);
}

static int64_t write_bytes(struct socket *socket, uint32_t length) {
    uint32_t written = 0;
    while (written < length) {
        struct piece pieces[2];
        uint32_t count, done = 0;
        error_t error = stack_socket_stream_room(socket, length - written, pieces, &count);
        if (error != ERR_OK)
            return written != 0 ? (int64_t)written : error;
        for (uint32_t i = 0; i < count; i++) {
            memset((void *)(uintptr_t)pieces[i].data, 'w', pieces[i].length);
            done += pieces[i].length;
        }
        stack_socket_stream_written(socket, done);
        written += done;
    }
    return written;
}

// The peer's byte at sequence number n of the stream is n modulo 251: SLOT's next is `from`.
static int64_t read_bytes(struct socket *socket, uint32_t length, uint32_t from) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    if (socket->kind != SOCKET_STREAM) {
        const struct datagram *datagram = stack_socket_peek(socket);
        if (datagram == NULL)
            return socket->error != ERR_OK ? stack_socket_take_error(socket) : ERR_AGAIN;
        done = datagram->length;
        stack_socket_drop(socket);
        return done;
    }
    error_t error = stack_socket_stream_data(socket, 0, length, pieces, &count);
    if (error != ERR_OK)
        return error;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < pieces[i].length; j++, done++)
            if (((const uint8_t *)pieces[i].data)[j] != (from + done) % 251)
                return -EIO;
    stack_socket_stream_taken(socket, done);
    return done;
}

static int64_t set_option(struct socket *socket, const char *name, uint32_t value) {
    struct socket_options *options = &socket->options;
    const struct {
        const char *name;
        bool *flag;
        uint32_t *number;
    } table[] = {
        {"nodelay", &options->no_delay, NULL},       {"keepalive", &options->keep_alive, NULL},
        {"reuse", &options->reuse_address, NULL},    {"only6", &options->only_v6, NULL},
        {"broadcast", &options->broadcast, NULL},    {"idle", NULL, &options->keep_idle},
        {"interval", NULL, &options->keep_interval}, {"probes", NULL, &options->keep_count},
        {"linger", NULL, &options->linger},          {"timeout", NULL, &options->user_timeout},
        {"lowat", NULL, &options->low_water},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(name, table[i].name) != 0)
            continue;
        if (table[i].flag != NULL)
            *table[i].flag = value != 0;
        else
            *table[i].number = value;
        if (socket->kind == SOCKET_STREAM) {
            tcp_set_keep_alive(tcp_of(socket));
            tcp_output(tcp_of(socket));
        }
        return 0;
    }
    if (strcmp(name, "rcvbuf") == 0)
        stack_socket_set_limits(socket, options->send_limit, value);
    else if (strcmp(name, "sndbuf") == 0)
        stack_socket_set_limits(socket, value, options->receive_limit);
    else
        return -ENOPROTOOPT;
    return 0;
}

static int64_t counter(const char *name) {
#define COUNTER(field)                                                                                                           \
    if (strcmp(name, #field) == 0)                                                                                               \
        return (int64_t)stack.statistics.field;
    STATISTICS_LIST(COUNTER)
#undef COUNTER
    return strcmp(name, "memory") == 0      ? (int64_t)stack.memory_used
           : strcmp(name, "half_open") == 0 ? stack.half_open_count
                                            : -ENOENT;
}

// 1: the next hop on the way to `to` is `hop`; 0: another; an error: none.
static int64_t way(const struct address *to, const struct address *hop) {
    struct interface *out;
    struct address next;
    error_t error = route_find(&stack, to, 0, &out, &next);
    return error != ERR_OK ? error : address_equal(&next, hop);
}

static int64_t send_bytes(struct socket *socket, const struct socket_name *to, uint32_t length) {
    static uint8_t bytes[BUFFER];
    error_t error = stack_socket_send(socket, to, bytes, length);
    return error != ERR_OK ? error : (int64_t)length;
}

static int64_t on_socket(uint32_t slot, const char *command, char **words) {
    struct socket *socket = slots[slot];
    struct socket_name name = {.address = address_of(words[2]), .port = (uint16_t)atoi(words[3]), .interface = 0};
    if (address_is_link_local(&name.address))
        name.interface = interface->index;
    if (socket == NULL)
        return -EBADF;
    if (strcmp(command, "bind") == 0)
        return stack_socket_bind(socket, &name);
    if (strcmp(command, "connect") == 0)
        return stack_socket_connect(socket, &name);
    if (strcmp(command, "listen") == 0)
        return stack_socket_listen(socket, (uint32_t)atoi(words[2]));
    if (strcmp(command, "accept") == 0)
        return stack_socket_accept(socket, &slots[atoi(words[2]) % SLOTS]);
    if (strcmp(command, "write") == 0)
        return write_bytes(socket, (uint32_t)atoi(words[2]));
    if (strcmp(command, "read") == 0)
        return read_bytes(socket, (uint32_t)atoi(words[2]), (uint32_t)atoi(words[3]));
    if (strcmp(command, "send") == 0)
        return send_bytes(socket, words[4][0] != 0 ? &name : NULL, (uint32_t)atoi(words[4][0] != 0 ? words[4] : words[2]));
    if (strcmp(command, "shutdown") == 0)
        return stack_socket_shutdown(socket, (uint32_t)atoi(words[2]));
    if (strcmp(command, "set") == 0)
        return set_option(socket, words[2], (uint32_t)strtoul(words[3], NULL, 10));
    if (strcmp(command, "error") == 0)
        return stack_socket_take_error(socket);
    if (strcmp(command, "ready") == 0)
        return stack_socket_readiness(socket);
    if (strcmp(command, "state") == 0)
        return tcp_of(socket)->state;
    if (strcmp(command, "port") == 0)
        return socket->local.port;
    if (strcmp(command, "close") != 0)
        return -ENOSYS;
    slots[slot] = NULL;
    stack_socket_close(socket);
    return 0;
}

static int64_t obey(char **words) {
    const char *command = words[0];
    uint32_t slot = (uint32_t)atoi(words[1]) % SLOTS;
    struct address address = address_of(words[1]), other = address_of(words[2]);
    struct interface_address *entry;
    error_t result = ERR_OK;
    if (strcmp(command, "reset") == 0)
        return reset(strcmp(words[1], "autoconfigure") == 0);
    if (strcmp(command, "frame") == 0)
        return take_frame(words[1]);
    if (strcmp(command, "pass") == 0)
        return pass(strtoull(words[1], NULL, 10), false);
    if (strcmp(command, "until") == 0)
        return pass(strtoull(words[1], NULL, 10), true);
    if (strcmp(command, "open") == 0)
        return open_socket(slot, words[2], words[3][0] == '6');
    if (strcmp(command, "counter") == 0)
        return counter(words[1]);
    if (strcmp(command, "cookies") == 0)
        return stack.forced_cookies = slot != 0;
    if (strcmp(command, "newreno") == 0)
        return stack.newreno = slot != 0;
    if (strcmp(command, "rtomin") == 0)
        return (int64_t)(stack.rto_minimum = slot * NANOSECONDS_PER_MILLISECOND);
    if (strcmp(command, "mtu") == 0)
        return interface->mtu = slot;
    if (strcmp(command, "link") == 0)
        interface_set_link(interface, slot != 0);
    else if (strcmp(command, "dhcp") == 0 && slot != 0)
        result = dhcp_start(&dhcp, interface);
    else if (strcmp(command, "dhcp") == 0)
        dhcp_stop(&dhcp);
    else if (strcmp(command, "dhcpstate") == 0)
        return dhcp.state;
    else if (strcmp(command, "address") == 0)
        return (entry = interface_address_find(interface, &address)) != NULL ? entry->state : 0;
    else if (strcmp(command, "way") == 0)
        return way(&address, &other);
    else if (strcmp(command, "neighbour") == 0)
        return neighbour_find(interface, &address) != NULL ? neighbour_find(interface, &address)->state : 0;
    else
        return running ? on_socket(slot, command, words) : -ENOSYS;
    stack_run(&stack);
    return result;
}

int main(void) {
    static char line[INPUT_MAX], empty[1];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS_MAX], *rest = line;
        for (uint32_t i = 0; i < WORDS_MAX; i++) {
            words[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
            words[i] = words[i] != NULL ? words[i] : empty;
        }
        int64_t result = obey(words);
        printf("= %lld\n", (long long)result);
        fflush(stdout);
    }
    if (running)
        finish();
    return 0;
}
