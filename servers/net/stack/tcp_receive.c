// Data that comes in: RFC 9293 section 3.10.7.4, sixth to eighth; what is out of order is kept at its place
// (RFC 2018), and when to acknowledge (RFC 5681 section 4.2).
#include "servers/net/stack/tcp.h"

uint32_t tcp_receive_window(const struct tcp *tcp) {
    uint32_t limit = tcp->socket.options.receive_limit, used = tcp->receive.count;
    uint32_t promised = tcp->rcv_adv - tcp->rcv_nxt, free = limit > used ? limit - used : 0;
    uint32_t step = smaller(limit / 2, tcp->mss);
    free = smaller(free, (uint32_t)UINT16_MAX << tcp->rcv_scale); // more can't be told: to send it again would say nothing
    if (tcp->state < TCP_SYN_RECEIVED)
        return free;
    // RFC 9293 section 3.8.6.2.2: the right edge moves on by large steps, and never back (section 3.8.6).
    if ((int32_t)promised < 0)
        promised = 0;
    return free >= promised + step ? free : promised;
}

// In order: what follows from the ranges ahead joins.
static void join_ahead(struct tcp *tcp) {
    for (uint32_t i = 0; i < tcp->ahead_count;) {
        struct range range = tcp->ahead[i];
        if (sequence_before(tcp->rcv_nxt, range.start)) {
            i++;
            continue;
        }
        if (sequence_before(tcp->rcv_nxt, range.end)) {
            tcp->receive.count += range.end - tcp->rcv_nxt;
            tcp->rcv_nxt = range.end;
        }
        memmove(tcp->ahead + i, tcp->ahead + i + 1, (tcp->ahead_count - i - 1) * sizeof(struct range));
        tcp->ahead_count--;
        i = 0;
    }
}

// RFC 2018 section 4: the block with the newest segment stands first. False: too many holes.
static bool note_ahead(struct tcp *tcp, uint32_t start, uint32_t end) {
    for (uint32_t i = 0; i < tcp->ahead_count;) {
        struct range range = tcp->ahead[i];
        if (sequence_before(range.end, start) || sequence_before(end, range.start)) {
            i++;
            continue;
        }
        if (sequence_at_most(range.start, start) && sequence_at_most(end, range.end)) {
            tcp->duplicate = (struct range){start, end};
            tcp->has_duplicate = tcp->sack_ok;
        }
        start = sequence_before(range.start, start) ? range.start : start;
        end = sequence_later(range.end, end);
        memmove(tcp->ahead + i, tcp->ahead + i + 1, (tcp->ahead_count - i - 1) * sizeof(struct range));
        tcp->ahead_count--;
        i = 0;
    }
    if (tcp->ahead_count == TCP_RANGES_MAX)
        return false;
    memmove(tcp->ahead + 1, tcp->ahead, tcp->ahead_count * sizeof(struct range));
    tcp->ahead[0] = (struct range){start, end};
    tcp->ahead_count++;
    return true;
}

static void delay_ack(struct tcp *tcp, uint32_t length) {
    struct stack *stack = tcp->socket.stack;
    // RFC 9293 section 3.8.6.3: at least each second full-sized segment.
    tcp->unacknowledged_segments++;
    if (tcp->unacknowledged_segments >= 2 || length >= 2 * tcp->mss) {
        tcp->ack_now = true;
    } else if (!tcp->ack_delayed) {
        tcp->ack_delayed = true;
        timer_heap_set(&stack->timers, &tcp->ack_timer, stack->now + TCP_DELAYED_ACK, tcp_ack_expired);
    }
}

// Bytes of [sequence, sequence + length) that fit the window are kept.
static void take(struct tcp *tcp, uint32_t sequence, const uint8_t *data, uint32_t length) {
    struct stack *stack = tcp->socket.stack;
    uint32_t ahead = sequence - tcp->rcv_nxt, place = tcp->receive.count + ahead;
    if (!ring_buffer_reserve(stack, &tcp->receive, place + length)) {
        stack->statistics.tcp_no_memory++;
        return;
    }
    if (ahead != 0) {
        stack->statistics.tcp_out_of_order++;
        tcp->ack_now = true; // RFC 5681 section 4.2: a duplicate ACK, at once
        if (note_ahead(tcp, sequence, sequence + length))
            ring_buffer_put(stack, &tcp->receive, place, data, length);
        return;
    }
    bool fills_hole = tcp->ahead_count != 0;
    ring_buffer_put(stack, &tcp->receive, place, data, length);
    tcp->receive.count += length;
    tcp->rcv_nxt += length;
    join_ahead(tcp);
    if (fills_hole)
        tcp->ack_now = true; // RFC 5681 section 4.2
    else
        delay_ack(tcp, length);
    socket_changed(&tcp->socket);
}

// RFC 9293 section 3.10.7.4, eighth.
static void take_fin(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    tcp->rcv_nxt++;
    tcp->fin_received = true;
    tcp->ack_now = true;
    switch (tcp->state) {
    case TCP_ESTABLISHED:
        tcp->state = TCP_CLOSE_WAIT;
        break;
    case TCP_FIN_WAIT_1: // our FIN is not acknowledged yet: that was looked at before
        tcp->state = TCP_CLOSING;
        timer_heap_clear(&stack->timers, &tcp->state_timer);
        break;
    case TCP_FIN_WAIT_2:
        tcp_start_time_wait(tcp);
        break;
    default:
        break;
    }
    socket_changed(&tcp->socket);
}

static void take_urgent(struct tcp *tcp, const struct segment *segment) {
    if ((segment->flags & TCP_URG) == 0 || segment->urgent == 0)
        return;
    uint32_t pointer = segment->sequence + segment->urgent; // RFC 6093: the data stays in the stream
    if (!tcp->urgent || sequence_before(tcp->rcv_up, pointer)) {
        tcp->rcv_up = pointer;
        tcp->urgent = sequence_before(tcp->rcv_nxt, pointer);
        socket_changed(&tcp->socket);
    }
}

void tcp_receive_data(struct tcp *tcp, const struct segment *segment) {
    uint32_t sequence = segment->sequence + ((segment->flags & TCP_SYN) != 0), length = segment->length;
    const uint8_t *data = segment->data;
    bool fin = (segment->flags & TCP_FIN) != 0;
    if (tcp->state != TCP_ESTABLISHED && tcp->state != TCP_FIN_WAIT_1 && tcp->state != TCP_FIN_WAIT_2)
        return;
    take_urgent(tcp, segment);
    if (sequence_before(sequence, tcp->rcv_nxt)) { // the front has come before
        uint32_t old = smaller(tcp->rcv_nxt - sequence, length);
        if (old != 0) {
            tcp->duplicate = (struct range){sequence, sequence + old};
            tcp->has_duplicate = tcp->sack_ok;
            tcp->ack_now = true;
        }
        sequence += old;
        data += old;
        length -= old;
    }
    uint32_t window = tcp->rcv_adv - tcp->rcv_nxt, ahead = sequence - tcp->rcv_nxt;
    uint32_t room = ahead < window ? window - ahead : 0;
    if (length > room || (fin && window == 0)) { // section 3.4: FIN takes a number, and its place in the window
        length = smaller(length, room);
        fin = false;
        tcp->ack_now = true;
    }
    if (length != 0)
        take(tcp, sequence, data, length);
    if (!fin)
        return;
    if (sequence + length == tcp->rcv_nxt)
        take_fin(tcp);
    else
        tcp->ack_now = true; // it comes again behind what is missing
}
