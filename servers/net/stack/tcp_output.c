// Segments that are sent: RFC 9293 section 3.8.6.2.1 (when), RFC 6675 section 5 (what first), and answers to
// segments without a connection.
#include "servers/net/stack/tcp.h"

static struct flow flow_of(const struct tcp *tcp) {
    const struct socket *socket = &tcp->socket;
    return (struct flow){
        .source = socket->local.address,
        .destination = socket->remote.address,
        .interface = socket->remote.interface != 0 ? socket->remote.interface : socket->local.interface,
        .protocol = PROTOCOL_NUMBER_TCP,
        .hops = socket->options.hops,
        .traffic_class = socket->options.traffic_class,
        .dont_fragment = true, // RFC 1191: so that the path's MTU is told
    };
}

const struct interface *tcp_card(const struct tcp *tcp) {
    struct flow flow = flow_of(tcp);
    return ip_card(tcp->socket.stack, &flow);
}

// What the header tells, and from then on is promised (RFC 9293 section 3.8.6.2.2).
static uint32_t window_to_tell(struct tcp *tcp, bool syn) {
    uint32_t window = tcp_receive_window(tcp);
    uint8_t scale = syn ? 0 : tcp->rcv_scale;
    uint32_t told = smaller(window >> scale, UINT16_MAX);
    tcp->rcv_adv = sequence_later(tcp->rcv_adv, tcp->rcv_nxt + (told << scale));
    return told;
}

// Data that fits beside the options that are due (RFC 9293 section 3.7.1: Eff.snd.MSS).
static uint32_t room_for_data(const struct tcp *tcp) {
    uint32_t blocks = tcp->sack_ok ? tcp->ahead_count + tcp->has_duplicate : 0;
    uint32_t most = tcp->timestamp_ok ? TCP_SACK_BLOCKS - 1 : TCP_SACK_BLOCKS;
    return blocks != 0 ? tcp->mss - 4 - 8 * smaller(blocks, most) : tcp->mss;
}

// One segment: header, options, `length` bytes of the send buffer from sequence number `sequence` on.
static void send_segment(struct tcp *tcp, uint32_t sequence, uint32_t length, uint8_t flags) {
    struct stack *stack = tcp->socket.stack;
    uint8_t header[TCP_HEADER_BYTES + TCP_OPTIONS_MAX];
    struct piece pieces[1 + SEND_PIECES_MOST] = {{.data = header}};
    bool syn = (flags & TCP_SYN) != 0, ack = (flags & TCP_ACK) != 0;
    uint32_t room = room_for_data(tcp);
    pieces[0].length = tcp_write_header(tcp, header, sequence, flags, window_to_tell(tcp, syn));
    if (tcp->has_duplicate && (flags & (TCP_SYN | TCP_RST)) == 0)
        tcp->has_duplicate = false; // RFC 2883 section 4: told once
    uint32_t count = 1;
    if (length != 0)
        count += send_queue_pieces(&tcp->send, sequence - tcp->snd_una, length, pieces + 1);
    struct flow flow = flow_of(tcp);
    flow.segment_size = length > room ? room : 0;
    stack->statistics.tcp_out++;
    error_t error = ip_send(stack, &flow, pieces, count, 16);
    if (error == ERR_MESSAGE_SIZE) // the path's MTU has shrunk meanwhile: the timer sends smaller ones
        tcp_update_mss(tcp);
    else if (error != ERR_OK)
        tcp->soft_error = error;
    if (ack) {
        tcp->last_ack_sent = tcp->rcv_nxt;
        tcp->ack_now = false;
        tcp->unacknowledged_segments = 0;
        if (tcp->ack_delayed) {
            tcp->ack_delayed = false;
            timer_stop(&tcp->ack_timer);
        }
    }
    if (length != 0)
        tcp->last_sent = stack->now;
}

void tcp_send_ack(struct tcp *tcp) {
    send_segment(tcp, tcp->snd_nxt, 0, TCP_ACK);
}

void tcp_send_reset(struct tcp *tcp) {
    tcp->socket.stack->statistics.tcp_resets_out++;
    send_segment(tcp, tcp->snd_nxt, 0, TCP_RST | TCP_ACK);
}

void tcp_challenge(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    if (!stack_take_token(stack, &stack->challenge_tokens_at, &stack->challenge_tokens, TCP_CHALLENGES_PER_SECOND))
        return;
    stack->statistics.tcp_challenges++;
    tcp_send_ack(tcp);
}

void tcp_send_syn(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    tcp->snd_nxt = tcp->iss + 1;
    tcp->timing = tcp->backoff == 0; // RFC 6298 section 3: Karn
    tcp->timed = tcp->snd_nxt;
    tcp->timed_at = stack->now;
    tcp->last_sent = stack->now;
    send_segment(tcp, tcp->iss, 0, tcp->state == TCP_SYN_RECEIVED ? TCP_SYN | TCP_ACK : TCP_SYN);
    timer_heap_set(&stack->timers, &tcp->retransmit_timer, stack->now + (tcp->rto << tcp->backoff), tcp_retransmit_expired);
}

// The sequence number of the FIN.
static uint32_t fin_sequence(const struct tcp *tcp) {
    return tcp->snd_una + tcp->send.count;
}

static bool send_lost(struct tcp *tcp) {
    uint32_t start, length;
    if (!tcp_next_lost(tcp, &start, &length))
        return false;
    // RFC 6675 section 5, steps 4.3 and C: the first at once, the others as the pipe has room.
    if (start != tcp->snd_una && tcp_pipe(tcp) + tcp->mss > tcp->congestion.window) {
        tcp->congestion.limited = true;
        return false;
    }
    length = smaller(length, room_for_data(tcp));
    uint32_t end = start + length;
    uint8_t flags = TCP_ACK;
    if (tcp->fin_sent && sequence_before(fin_sequence(tcp), end)) {
        flags |= TCP_FIN;
        length = fin_sequence(tcp) - start;
    }
    if (length != 0 && start + length == fin_sequence(tcp))
        flags |= TCP_PSH;
    tcp->high_rxt = end;
    tcp->timing = false; // RFC 6298 section 3: no samples of what was sent twice
    tcp->socket.stack->statistics.tcp_retransmitted++;
    send_segment(tcp, start, length, flags);
    if (!tcp->retransmit_timer.armed)
        tcp_set_retransmit(tcp);
    return true;
}

// Whether a segment of less than MSS bytes may go: RFC 9293 section 3.8.6.2.1 and Nagle, section 3.7.4.
static bool may_send_small(const struct tcp *tcp, uint32_t length, uint32_t left) {
    bool idle = tcp->snd_nxt == tcp->snd_una;
    if (length == left && (tcp->socket.options.no_delay || idle || tcp->fin_wanted))
        return true;
    return length != 0 && length >= tcp->max_snd_wnd / 2;
}

// Several full segments in one, where the link cuts them and the congestion window lets them go.
static uint32_t large_length(const struct tcp *tcp, uint32_t most, uint32_t ready, uint32_t pipe) {
    struct flow flow = flow_of(tcp);
    uint32_t headers = IPV4_HEADER_BYTES + TCP_HEADER_BYTES + TCP_OPTIONS_MAX;
    uint32_t allowed = pipe < tcp->congestion.window ? tcp->congestion.window - pipe : 0;
    ready = smaller(ready, allowed);
    if (ready < 2 * most)
        return most;
    uint32_t large = ip_large_most(tcp->socket.stack, &flow);
    return large < headers + 2 * most ? most : smaller(ready, large - headers) / most * most;
}

static bool send_new(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    uint32_t offset = tcp->snd_nxt - tcp->snd_una;
    if (tcp->fin_sent || offset > tcp->send.count)
        return false;
    uint32_t left = tcp->send.count - offset;
    int32_t usable = (int32_t)(tcp->snd_una + tcp->snd_wnd - tcp->snd_nxt);
    uint32_t window = usable > 0 ? (uint32_t)usable : 0;
    uint32_t most = room_for_data(tcp), length = smaller(smaller(left, most), window);
    bool fin = tcp->fin_wanted && length == left && window > length;
    if (length == 0 && !fin)
        return false;
    if (length < most && !fin && !may_send_small(tcp, length, left))
        return false;
    uint32_t pipe = tcp_pipe(tcp);
    if (length == most && left > most)
        length = large_length(tcp, most, smaller(left, window), pipe);
    if (pipe != 0 && pipe + length > tcp->congestion.window) {
        tcp->congestion.limited = true;
        return false;
    }
    if (pipe + length + tcp->mss > tcp->congestion.window)
        tcp->congestion.limited = true;
    if (!tcp->timing) {
        tcp->timing = true;
        tcp->timed = tcp->snd_nxt + length + fin;
        tcp->timed_at = stack->now;
    }
    uint8_t flags = (uint8_t)(TCP_ACK | (fin ? TCP_FIN : 0) | (length == left && length != 0 ? TCP_PSH : 0));
    uint32_t sequence = tcp->snd_nxt;
    tcp->snd_nxt += length + fin;
    tcp->fin_sent = fin;
    send_segment(tcp, sequence, length, flags);
    if (!tcp->retransmit_timer.armed || sequence == tcp->snd_una)
        tcp_set_retransmit(tcp);
    return true;
}

void tcp_output(struct tcp *tcp) {
    if (tcp->state < TCP_ESTABLISHED || tcp->state == TCP_TIME_WAIT) {
        if (tcp->ack_now)
            tcp_send_ack(tcp);
        return;
    }
    if (tcp->snd_nxt == tcp->snd_una && tcp->send.count != 0)
        congestion_idle(tcp);
    while (send_lost(tcp) || send_new(tcp))
        ;
    if (tcp->ack_now)
        tcp_send_ack(tcp);
    // Something waits, and nothing that is under way will bring an ACK: probe the window (section 3.8.6.1).
    bool waits = tcp->send.count != 0 || (tcp->fin_wanted && !tcp->fin_sent);
    if (waits && !tcp->retransmit_timer.armed)
        tcp_set_retransmit(tcp);
}

void tcp_send_probe(struct tcp *tcp) {
    uint32_t length = smaller(tcp->send.count, 1);
    if (tcp->snd_nxt == tcp->snd_una) { // what is sent over a window that is too small: all that fits
        length = smaller(smaller(tcp->send.count, tcp->mss), larger(tcp->snd_wnd, 1));
        tcp->fin_sent = length == 0;
        tcp->snd_nxt += length + tcp->fin_sent;
    }
    send_segment(tcp, tcp->snd_una, length, (uint8_t)(TCP_ACK | (length == 0 ? TCP_FIN : 0)));
}

// --- without a connection
void tcp_send_bare(struct stack *stack, const struct packet *packet, const struct segment *segment, uint32_t sequence,
                   uint32_t acknowledgement, uint8_t flags, uint32_t window, const uint8_t *options, uint32_t options_length) {
    uint8_t header[TCP_HEADER_BYTES + TCP_OPTIONS_MAX];
    struct piece piece = {.data = header, .length = TCP_HEADER_BYTES + options_length};
    tcp_write_bare_header(header, segment, sequence, acknowledgement, flags, window, piece.length);
    if (options_length != 0)
        memcpy(header + TCP_HEADER_BYTES, options, options_length);
    struct flow flow = {
        .source = packet->destination,
        .destination = packet->source,
        .interface = address_is_link_local(&packet->source) ? packet->interface->index : 0,
        .protocol = PROTOCOL_NUMBER_TCP,
        .dont_fragment = true,
    };
    stack->statistics.tcp_out++;
    error_t ignored = ip_send(stack, &flow, &piece, 1, 16);
    (void)ignored; // who can't be reached asks again
}

// RFC 9293 section 3.10.7.1.
void tcp_answer_reset(struct stack *stack, const struct segment *segment) {
    uint32_t length = segment->length + ((segment->flags & TCP_SYN) != 0) + ((segment->flags & TCP_FIN) != 0);
    if ((segment->flags & TCP_RST) != 0)
        return;
    stack->statistics.tcp_resets_out++;
    if ((segment->flags & TCP_ACK) != 0)
        tcp_send_bare(stack, segment->packet, segment, segment->acknowledgement, 0, TCP_RST, 0, NULL, 0);
    else
        tcp_send_bare(stack, segment->packet, segment, 0, segment->sequence + length, TCP_RST | TCP_ACK, 0, NULL, 0);
}
