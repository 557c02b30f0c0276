// The life of a connection: RFC 9293 section 3.10 (OPEN, CLOSE), sections 3.6 and 3.8.3; its table, its
// sizes, and what ICMP does to it (RFC 5927).
#include <errno.h>

#include "servers/net/stack/tcp.h"

enum { TIMESTAMP_BYTES = 12 };

const char *tcp_state_name(enum tcp_state state) {
    static const char *const names[] = {"CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
    return names[state];
}

// --- the table
static uint32_t bucket_of(struct stack *stack, const struct address *local, uint16_t local_port, const struct address *remote,
                          uint16_t remote_port) {
    const uint64_t *key = stack->key.words;
    uint64_t ports = (uint64_t)remote_port << 16 | local_port;
    uint64_t peer = hash_mix(address_half(remote, 0) ^ key[0], address_half(remote, 1) ^ key[1]);
    uint64_t both = hash_mix(peer ^ address_half(local, 1), ports ^ address_half(local, 0) ^ key[0]);
    return (uint32_t)both % CONNECTION_BUCKETS;
}

struct tcp *tcp_find(struct stack *stack, const struct address *local, uint16_t local_port, const struct address *remote,
                     uint16_t remote_port) {
    struct tcp *at = stack->connections[bucket_of(stack, local, local_port, remote, remote_port)];
    for (; at != NULL; at = at->next)
        if (at->socket.local.port == local_port && at->socket.remote.port == remote_port &&
            address_equal(&at->socket.local.address, local) && address_equal(&at->socket.remote.address, remote))
            return at;
    return NULL;
}

static struct tcp **bucket_at(struct tcp *tcp) {
    struct socket *socket = &tcp->socket;
    return &socket->stack->connections[bucket_of(socket->stack, &socket->local.address, socket->local.port,
                                                 &socket->remote.address, socket->remote.port)];
}

void tcp_enter(struct tcp *tcp) {
    struct tcp **bucket = bucket_at(tcp);
    tcp->next = *bucket;
    tcp->previous = NULL;
    if (*bucket != NULL)
        (*bucket)->previous = tcp;
    *bucket = tcp;
    tcp->is_entered = true;
}

static void leave(struct tcp *tcp) {
    if (!tcp->is_entered)
        return;
    if (tcp->previous != NULL)
        tcp->previous->next = tcp->next;
    else
        *bucket_at(tcp) = tcp->next;
    if (tcp->next != NULL)
        tcp->next->previous = tcp->previous;
    tcp->is_entered = false;
}

bool tcp_port_in_use(struct stack *stack, uint16_t port) {
    for (uint32_t i = 0; i < CONNECTION_BUCKETS; i++)
        for (const struct tcp *at = stack->connections[i]; at != NULL; at = at->next)
            if (at->socket.local.port == port)
                return true;
    return false;
}

// --- sizes
static uint32_t header_bytes(const struct tcp *tcp) {
    return (address_is_v4(&tcp->socket.remote.address) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + TCP_HEADER_BYTES;
}

static uint32_t path_bytes(const struct tcp *tcp, bool link_only) {
    struct flow flow = {.source = tcp->socket.local.address,
                        .destination = tcp->socket.remote.address,
                        .interface = tcp->socket.remote.interface};
    struct interface *interface;
    uint32_t mtu;
    if (ip_route(tcp->socket.stack, &flow, &interface, &mtu) != ERR_OK)
        return 0;
    return link_only ? interface->mtu : mtu;
}

// RFC 9293 section 3.7.1, RFC 6691: what the link carries, less fixed headers.
uint32_t tcp_own_mss(const struct tcp *tcp) {
    uint32_t mtu = path_bytes(tcp, true);
    return larger(mtu, TCP_MSS_DEFAULT_V4 + header_bytes(tcp)) - header_bytes(tcp);
}

void tcp_update_mss(struct tcp *tcp) {
    bool v4 = address_is_v4(&tcp->socket.remote.address);
    uint32_t peer = tcp->peer_mss != 0 ? tcp->peer_mss : v4 ? TCP_MSS_DEFAULT_V4 : TCP_MSS_DEFAULT_V6;
    uint32_t mtu = path_bytes(tcp, false);
    uint32_t path = mtu > header_bytes(tcp) ? mtu - header_bytes(tcp) : peer;
    uint32_t options = tcp->timestamp_ok ? TIMESTAMP_BYTES : 0;
    tcp->mss = larger(smaller(peer, path), TCP_MSS_MIN) - options;
}

// RFC 6528 section 3: ISN = M + F(local, remote, key); M counts four microseconds.
uint32_t tcp_initial_sequence(struct stack *stack, const struct tcp *tcp) {
    uint8_t key[2 * ADDRESS_BYTES + 5];
    memcpy(key, tcp->socket.local.address.bytes, ADDRESS_BYTES);
    memcpy(key + ADDRESS_BYTES, tcp->socket.remote.address.bytes, ADDRESS_BYTES);
    store16(key + 2 * ADDRESS_BYTES, tcp->socket.local.port);
    store16(key + 2 * ADDRESS_BYTES + 2, tcp->socket.remote.port);
    key[2 * ADDRESS_BYTES + 4] = 'i';
    return (uint32_t)siphash(&stack->key, key, sizeof(key)) + (uint32_t)(stack->now / 4000);
}

// --- OPEN
error_t tcp_open(struct stack *stack, bool v6, struct socket **result) {
    struct tcp *tcp = stack_allocate(stack, sizeof(*tcp));
    if (tcp == NULL)
        return ERR_NO_MEMORY;
    socket_set_defaults(&tcp->socket, stack, SOCKET_STREAM, v6, PROTOCOL_NUMBER_TCP);
    tcp->rto = TCP_RTO_FIRST;
    tcp->scale_ok = tcp->sack_ok = tcp->timestamp_ok = true;
    tcp->rcv_scale = TCP_WINDOW_SCALE;
    *result = &tcp->socket;
    return ERR_OK;
}

// What depends on both ends' names.
void tcp_set_names(struct tcp *tcp, const struct socket_name *local, const struct socket_name *remote) {
    struct stack *stack = tcp->socket.stack;
    tcp->socket.local = *local;
    tcp->socket.remote = *remote;
    tcp->socket.connected = true;
    tcp->iss = tcp_initial_sequence(stack, tcp);
    tcp->timestamp_offset = (uint32_t)siphash(&stack->key, &tcp->iss, sizeof(tcp->iss)); // RFC 7323 section 5.4
    tcp->snd_una = tcp->snd_nxt = tcp->recover = tcp->lost_edge = tcp->high_rxt = tcp->iss;
    tcp->last_received = stack->now;
}

// The local name of an active open: a free pair of ends.
static error_t choose_local(struct tcp *tcp, const struct address *source, const struct socket_name *remote,
                            struct socket_name *local) {
    struct stack *stack = tcp->socket.stack;
    *local = (struct socket_name){.address = *source, .port = tcp->socket.local.port, .interface = tcp->socket.local.interface};
    if (local->port != 0)
        return tcp_find(stack, source, local->port, &remote->address, remote->port) != NULL ? -EADDRINUSE : ERR_OK;
    uint32_t start = stack_random(stack); // RFC 6056 section 3.3.1
    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        local->port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
        if (tcp_find(stack, source, local->port, &remote->address, remote->port) == NULL &&
            !socket_port_taken(&tcp->socket, local))
            return ERR_OK;
    }
    return -EADDRNOTAVAIL;
}

error_t tcp_connect(struct socket *socket, const struct socket_name *name) {
    struct tcp *tcp = tcp_of(socket);
    struct socket_name remote = *name, local;
    struct flow flow = {.source = socket->local.address, .destination = name->address, .interface = name->interface};
    struct interface *interface;
    uint32_t mtu;
    if (tcp->state == TCP_SYN_SENT || (tcp->state == TCP_SYN_RECEIVED && !tcp->passive))
        return -EALREADY;
    if (tcp->state == TCP_LISTEN)
        return -EOPNOTSUPP;
    if (tcp->state != TCP_CLOSED || socket->connected)
        return -EISCONN;
    if (address_is_multicast(&remote.address) || remote.port == 0)
        return -EADDRNOTAVAIL;
    if (address_is_unspecified(&remote.address)) { // this machine, as other systems take it
        bool v4 = address_is_v4(&remote.address);
        remote.address = v4 ? address_from_v4(0x7f000001) : (struct address){.bytes = {[15] = 1}};
        flow.destination = remote.address;
    }
    error_t error = ip_route(socket->stack, &flow, &interface, &mtu);
    if (error == ERR_OK)
        error = choose_local(tcp, &flow.source, &remote, &local);
    if (error != ERR_OK)
        return error;
    bool was_bound = socket->is_bound;
    if (was_bound)
        socket_leave_table(socket);
    tcp_set_names(tcp, &local, &remote);
    socket_enter(socket);
    tcp_enter(tcp);
    tcp->state = TCP_SYN_SENT;
    tcp_update_mss(tcp);
    tcp_send_syn(tcp);
    return ERR_IN_PROGRESS;
}

void tcp_established(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    tcp->state = TCP_ESTABLISHED;
    timer_heap_clear(&stack->timers, &tcp->retransmit_timer);
    tcp_update_mss(tcp);
    congestion_start(tcp);
    if (tcp->retries != 0 && tcp->srtt == 0)
        tcp->rto = TCP_RTO_AFTER_LOST_SYN;
    tcp->backoff = tcp->retries = 0;
    tcp->stalled_since = 0;
    tcp->soft_error = ERR_OK;
    tcp->recover = tcp->lost_edge = tcp->high_rxt = tcp->snd_una;
    tcp->last_received = tcp->last_sent = stack->now;
    stack->statistics.tcp_opened++;
    admission_remember(stack, &tcp->socket.remote.address);
    if (tcp->fin_wanted)
        tcp->state = TCP_FIN_WAIT_1; // closed before it was established
    else
        tcp_set_keep_alive(tcp);
    if (tcp->listener != NULL)
        tcp_listen_ready(tcp);
    else
        socket_changed(&tcp->socket);
}

// --- the end
static void time_wait_forget(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    if (!tcp->in_time_wait)
        return;
    if (tcp->old_previous != NULL)
        tcp->old_previous->old_next = tcp->old_next;
    else
        stack->time_wait_first = tcp->old_next;
    if (tcp->old_next != NULL)
        tcp->old_next->old_previous = tcp->old_previous;
    else
        stack->time_wait_last = tcp->old_previous;
    stack->time_wait_count--;
    tcp->in_time_wait = false;
}

static void stop_timers(struct tcp *tcp) {
    struct timer_heap *timers = &tcp->socket.stack->timers;
    timer_heap_clear(timers, &tcp->retransmit_timer);
    timer_heap_clear(timers, &tcp->ack_timer);
    timer_heap_clear(timers, &tcp->state_timer);
    tcp->ack_delayed = tcp->ack_now = false;
}

static void release(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    send_queue_free(stack, &tcp->send);
    ring_buffer_free(stack, &tcp->receive);
    stack_free(stack, tcp, sizeof(*tcp));
}

void tcp_end(struct tcp *tcp, error_t error) {
    struct stack *stack = tcp->socket.stack;
    stop_timers(tcp);
    time_wait_forget(tcp);
    leave(tcp);
    socket_leave_table(&tcp->socket);
    tcp->state = TCP_CLOSED;
    tcp->ahead_count = 0;
    send_queue_free(stack, &tcp->send);
    if (tcp->listener != NULL) {
        tcp_listen_forget(tcp);
        release(tcp);
    } else if (tcp->orphan) {
        release(tcp);
    } else {
        tcp->socket.error = error;
        tcp->fin_received = tcp->fin_received || error == ERR_OK;
        socket_changed(&tcp->socket);
    }
}

void tcp_note_time_wait(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    tcp->old_previous = stack->time_wait_last;
    tcp->old_next = NULL;
    if (stack->time_wait_last != NULL)
        stack->time_wait_last->old_next = tcp;
    else
        stack->time_wait_first = tcp;
    stack->time_wait_last = tcp;
    tcp->in_time_wait = true;
    stack->time_wait_count++;
}

void tcp_start_time_wait(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    stop_timers(tcp);
    tcp->ack_now = true; // of the FIN that led here
    tcp->state = TCP_TIME_WAIT;
    send_queue_free(stack, &tcp->send);
    tcp_note_time_wait(tcp);
    timer_heap_set(&stack->timers, &tcp->state_timer, stack->now + 2 * TCP_MSL, tcp_state_expired);
    if (stack->time_wait_count > TCP_TIME_WAIT_MAX)
        tcp_end(stack->time_wait_first, ERR_OK);
}

// Section 3.10.4: what was written still goes out, then FIN.
static void close_sending(struct tcp *tcp) {
    tcp->socket.write_closed = true;
    if (tcp->fin_wanted)
        return;
    tcp->fin_wanted = true;
    if (tcp->state == TCP_ESTABLISHED) {
        tcp->state = TCP_FIN_WAIT_1;
        timer_heap_clear(&tcp->socket.stack->timers, &tcp->state_timer); // keep-alive
    } else if (tcp->state == TCP_CLOSE_WAIT) {
        tcp->state = TCP_LAST_ACK;
        timer_heap_clear(&tcp->socket.stack->timers, &tcp->state_timer);
    }
    tcp_output(tcp);
}

error_t tcp_shutdown(struct socket *socket, uint32_t sides) {
    struct tcp *tcp = tcp_of(socket);
    if (tcp->state == TCP_LISTEN || !socket->connected || tcp->state == TCP_CLOSED)
        return -ENOTCONN;
    if ((sides & STACK_SIDE_READ) != 0)
        socket->read_closed = true;
    if ((sides & STACK_SIDE_WRITE) != 0)
        close_sending(tcp);
    socket_changed(socket);
    return ERR_OK;
}

void tcp_close(struct socket *socket) {
    struct tcp *tcp = tcp_of(socket);
    struct stack *stack = socket->stack;
    bool unread = tcp->receive.count != 0;
    tcp->orphan = true;
    switch (tcp->state) {
    case TCP_CLOSED:
        socket_leave_table(socket);
        release(tcp);
        return;
    case TCP_LISTEN:
        tcp_listen_end(tcp);
        tcp_end(tcp, ERR_OK);
        return;
    case TCP_SYN_SENT:
        tcp_end(tcp, ERR_OK);
        return;
    case TCP_TIME_WAIT:
        ring_buffer_free(stack, &tcp->receive);
        return;
    default:
        break;
    }
    // RFC 9293 section 3.6.1: what nobody reads any more is answered by a reset; so is a linger of zero.
    if (unread || socket->options.linger == 0) {
        tcp_send_reset(tcp);
        tcp_end(tcp, ERR_OK);
        return;
    }
    ring_buffer_free(stack, &tcp->receive);
    tcp->ahead_count = 0;
    socket->read_closed = true;
    if (tcp->state == TCP_FIN_WAIT_2)
        timer_heap_set(&stack->timers, &tcp->state_timer, stack->now + TCP_ORPHAN_WAIT, tcp_state_expired);
    close_sending(tcp);
}

uint32_t tcp_readiness(const struct socket *socket) {
    const struct tcp *tcp = (const struct tcp *)socket;
    uint32_t ready = socket->error != ERR_OK ? SOCKET_ERROR | SOCKET_CAN_READ | SOCKET_CAN_WRITE : 0;
    if (tcp->state == TCP_LISTEN)
        return ready | (tcp->accept_first != NULL ? SOCKET_CAN_READ : 0);
    if (tcp->state == TCP_SYN_SENT || tcp->state == TCP_SYN_RECEIVED)
        return ready;
    if (tcp->state == TCP_CLOSED)
        return ready | SOCKET_CAN_WRITE | SOCKET_HANG_UP | (socket->connected ? SOCKET_CAN_READ : 0);
    if (tcp->receive.count >= larger(socket->options.low_water, 1) || tcp->fin_received || socket->read_closed)
        ready |= SOCKET_CAN_READ;
    if (tcp->urgent)
        ready |= SOCKET_URGENT;
    if (socket->write_closed && tcp->fin_received)
        ready |= SOCKET_HANG_UP;
    if (socket->write_closed || tcp->send.count < socket->options.send_limit - socket->options.send_limit / 4)
        ready |= SOCKET_CAN_WRITE;
    return ready;
}

bool tcp_is_connected(const struct socket *socket) {
    return ((const struct tcp *)socket)->state >= TCP_ESTABLISHED;
}

// --- ICMP (RFC 5927 section 4.1: only about what is outstanding)
void tcp_icmp_error(struct stack *stack, const struct icmp_error *error) {
    uint32_t sequence = load32(error->transport + 4);
    struct tcp *tcp =
        tcp_find(stack, &error->source, load16(error->transport), &error->destination, load16(error->transport + 2));
    if (tcp == NULL || sequence_before(sequence, tcp->snd_una) || sequence_before(tcp->snd_nxt, sequence) ||
        tcp->state == TCP_TIME_WAIT)
        return;
    if (error->mtu != 0) {
        struct flow flow = {
            .source = error->source, .destination = error->destination, .interface = tcp->socket.remote.interface};
        struct interface *interface;
        uint32_t mtu;
        if (ip_route(stack, &flow, &interface, &mtu) != ERR_OK ||
            !path_mtu_learned(stack, interface, &error->destination, error->mtu))
            return;
        uint32_t before = tcp->mss;
        tcp_update_mss(tcp);
        if (tcp->mss >= before)
            return;                                                          // what is under way was no larger
        if (tcp->state >= TCP_ESTABLISHED && tcp->snd_nxt != tcp->snd_una) { // RFC 1191 section 6.5: at once
            tcp->recovery = TCP_LOSS;
            tcp->recover = tcp->lost_edge = tcp->snd_nxt;
            tcp->high_rxt = tcp->snd_una;
            tcp_output(tcp);
        }
        return;
    }
    // RFC 9293 section 3.9.2.2: hard errors end what is not synchronized; others are remembered.
    if (error->hard && (tcp->state == TCP_SYN_SENT || tcp->state == TCP_SYN_RECEIVED)) {
        tcp_end(tcp, error->error);
        return;
    }
    tcp->soft_error = error->error;
}
