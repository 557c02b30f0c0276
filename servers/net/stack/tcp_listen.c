// LISTEN: RFC 9293 section 3.10.7.2, the queue of accept, and when SYNs are answered by cookies (tcp_cookie.c): while too many
// connections are half open, or too many did not complete.
#include <errno.h>

#include "servers/net/stack/tcp.h"

bool tcp_is_listening(const struct socket *socket) {
    return ((const struct tcp *)socket)->state == TCP_LISTEN;
}

error_t tcp_listen(struct socket *socket, uint32_t backlog) {
    struct tcp *tcp = tcp_of(socket);
    if (tcp->state != TCP_CLOSED && tcp->state != TCP_LISTEN)
        return ERR_INVALID;
    if (socket->connected)
        return ERR_INVALID;
    for (struct socket *at = socket->stack->bound[bound_bucket(socket->local.port)]; at != NULL && tcp->state == TCP_CLOSED;
         at = at->next)
        if (at != socket && at->kind == SOCKET_STREAM && at->local.port == socket->local.port && tcp_is_listening(at) &&
            socket_matches(at, &socket->local.address))
            return -EADDRINUSE;
    tcp->state = TCP_LISTEN;
    tcp->backlog = backlog;
    return ERR_OK;
}

struct tcp *tcp_find_listener(struct stack *stack, const struct packet *packet, uint16_t port) {
    struct tcp *best = NULL;
    for (struct socket *at = stack->bound[bound_bucket(port)]; at != NULL; at = at->next) {
        if (at->kind != SOCKET_STREAM || at->local.port != port || !tcp_is_listening(at) ||
            !socket_matches(at, &packet->destination) ||
            (at->local.interface != 0 && at->local.interface != packet->interface->index))
            continue;
        if (best == NULL || address_is_unspecified(&best->socket.local.address))
            best = tcp_of(at);
    }
    return best;
}

static void send_cookie(struct tcp *listener, const struct segment *segment) {
    struct stack *stack = listener->socket.stack;
    uint8_t options[TCP_COOKIE_OPTIONS_MAX];
    uint32_t length, cookie = tcp_cookie_make(stack, segment, options, &length);
    stack->statistics.tcp_cookies_sent++;
    stack->cookie_at = stack->now;
    tcp_send_bare(stack, segment->packet, segment, cookie, segment->sequence + 1, TCP_SYN | TCP_ACK,
                  smaller(listener->socket.options.receive_limit, UINT16_MAX), options, length);
}

// --- new connections
static struct tcp *make(struct tcp *listener, const struct segment *segment) {
    struct stack *stack = listener->socket.stack;
    const struct packet *packet = segment->packet;
    struct socket *socket;
    bool scoped = address_is_link_local(&packet->source);
    if (tcp_open(stack, listener->socket.v6, &socket) != ERR_OK)
        return NULL;
    struct tcp *tcp = tcp_of(socket);
    struct socket_name local = {.address = packet->destination, .port = segment->destination};
    struct socket_name remote = {
        .address = packet->source, .port = segment->source, .interface = scoped ? packet->interface->index : 0};
    socket->options = listener->socket.options;
    tcp_set_names(tcp, &local, &remote);
    tcp->passive = true;
    tcp->listener = listener;
    tcp->peer_mss = segment->has_mss ? larger(segment->mss, TCP_MSS_MIN) : 0;
    tcp_enter(tcp);
    return tcp;
}

static void synchronize(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    tcp->irs = segment->sequence;
    tcp->rcv_nxt = tcp->rcv_adv = tcp->last_ack_sent = segment->sequence + 1;
    tcp->scale_ok = segment->has_scale;
    tcp->snd_scale = segment->scale;
    tcp->rcv_scale = segment->has_scale ? tcp->rcv_scale : 0;
    tcp->sack_ok = segment->sack_permitted;
    tcp->timestamp_ok = segment->has_timestamp;
    tcp->ts_recent = segment->timestamp;
    tcp->ts_recent_at = stack->now;
    tcp->snd_wnd = tcp->max_snd_wnd = segment->window;
    tcp->snd_wl1 = segment->sequence;
    tcp->state = TCP_SYN_RECEIVED;
    tcp_update_mss(tcp);
}

static void cookie_input(struct tcp *listener, const struct segment *segment) {
    struct stack *stack = listener->socket.stack;
    struct segment syn;
    uint32_t timestamp_offset;
    bool recent = tcp_cookies_are_out(stack);
    if (stack->cookie_at == 0 || !tcp_cookie_take(stack, segment, &syn, &timestamp_offset)) {
        stack->statistics.tcp_cookies_bad += recent;
        // Section 3.10.7.2, third. While cookies are out this may be of a connection whose first ACK was lost or overtaken: a
        // reset would end it, and the one that holds the cookie comes again with the first data.
        if (!recent)
            tcp_answer_reset(stack, segment);
        return;
    }
    struct tcp *tcp = listener->waiting < listener->backlog ? make(listener, &syn) : NULL;
    if (tcp == NULL) {
        stack->statistics.tcp_backlog_full++;
        return; // its data comes again
    }
    synchronize(tcp, &syn);
    stack->statistics.tcp_cookies_good++;
    listener->half_open++;
    stack->half_open_count++;
    tcp->timestamp_offset = timestamp_offset;
    tcp->snd_wnd = tcp->max_snd_wnd = segment->window << tcp->snd_scale;
    tcp->iss = segment->acknowledgement - 1;
    tcp->snd_una = tcp->snd_nxt = segment->acknowledgement;
    tcp->snd_wl2 = segment->acknowledgement;
    tcp->rcv_adv = tcp->rcv_nxt + smaller(tcp->socket.options.receive_limit, UINT16_MAX);
    tcp_established(tcp);
    tcp_receive_data(tcp, segment);
    tcp_output(tcp);
}

void tcp_listen_input(struct tcp *listener, const struct segment *segment) {
    struct stack *stack = listener->socket.stack;
    if ((segment->flags & TCP_RST) != 0) // first
        return;
    if ((segment->flags & TCP_ACK) != 0) { // second
        if ((segment->flags & TCP_SYN) != 0)
            tcp_answer_reset(stack, segment);
        else
            cookie_input(listener, segment);
        return;
    }
    if ((segment->flags & TCP_SYN) == 0) // fourth
        return;
    if (listener->waiting >= listener->backlog) { // it asks again
        stack->statistics.tcp_backlog_full++;
        return;
    }
    struct tcp *tcp = NULL;
    bool whole = listener->half_open < listener->backlog && !tcp_wants_cookies(stack);
    admission_spend(stack, ADMISSION_CALL, 1);
    if (whole)
        tcp = make(listener, segment);
    if (tcp == NULL) {
        send_cookie(listener, segment);
        return;
    }
    listener->half_open++;
    stack->half_open_count++;
    synchronize(tcp, segment); // third
    tcp_send_syn(tcp);
}

// --- accept
static void queue(struct tcp *listener, struct tcp *tcp) {
    tcp->accept_next = NULL;
    if (listener->accept_last != NULL)
        listener->accept_last->accept_next = tcp;
    else
        listener->accept_first = tcp;
    listener->accept_last = tcp;
    listener->waiting++;
}

void tcp_listen_ready(struct tcp *tcp) {
    struct tcp *listener = tcp->listener;
    listener->half_open--;
    tcp->socket.stack->half_open_count--;
    tcp->socket.stack->statistics.tcp_accepted++;
    admission_call_completed(tcp->socket.stack);
    queue(listener, tcp);
    socket_changed(&listener->socket);
}

void tcp_listen_take(struct tcp *listener, struct tcp *tcp) {
    tcp->listener = listener;
    if (tcp->state != TCP_SYN_RECEIVED) {
        queue(listener, tcp);
        return;
    }
    listener->half_open++;
    tcp->socket.stack->half_open_count++;
}

static bool unqueue(struct tcp *listener, const struct tcp *tcp) {
    struct tcp *before = NULL, *at = listener->accept_first;
    while (at != NULL && at != tcp) {
        before = at;
        at = at->accept_next;
    }
    if (at == NULL)
        return false;
    if (before != NULL)
        before->accept_next = at->accept_next;
    else
        listener->accept_first = at->accept_next;
    if (listener->accept_last == at)
        listener->accept_last = before;
    listener->waiting--;
    return true;
}

void tcp_listen_forget(struct tcp *tcp) {
    struct tcp *listener = tcp->listener;
    if (!unqueue(listener, tcp)) {
        listener->half_open--;
        tcp->socket.stack->half_open_count--;
    }
    tcp->listener = NULL;
}

error_t tcp_accept(struct socket *socket, struct socket **result) {
    struct tcp *listener = tcp_of(socket), *tcp = listener->accept_first;
    if (listener->state != TCP_LISTEN)
        return ERR_INVALID;
    if (tcp == NULL)
        return ERR_AGAIN;
    bool was_first = unqueue(listener, tcp);
    (void)was_first;
    tcp->listener = NULL;
    *result = &tcp->socket;
    return ERR_OK;
}

// What was not accepted is reset.
void tcp_listen_end(struct tcp *listener) {
    struct stack *stack = listener->socket.stack;
    for (uint32_t i = 0; i < CONNECTION_BUCKETS; i++) {
        struct tcp *next;
        for (struct tcp *at = stack->connections[i]; at != NULL; at = next) {
            next = at->next;
            if (at->listener != listener)
                continue;
            tcp_send_reset(at);
            tcp_end(at, ERR_OK);
        }
    }
}
