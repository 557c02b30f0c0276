// Segments that come in: RFC 9293 section 3.10.7, with RFC 5961 (blind attacks) and RFC 7323 (PAWS). Each
// function is one of the section's steps.
#include <errno.h>

#include "servers/net/stack/tcp.h"

enum { RECENT_DAYS = 24 };

static uint32_t segment_space(const struct segment *segment) {
    return segment->length + ((segment->flags & TCP_SYN) != 0) + ((segment->flags & TCP_FIN) != 0);
}

// Section 3.10.7.3.
static void syn_sent_input(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    bool ack = (segment->flags & TCP_ACK) != 0;
    if (ack && (sequence_at_most(segment->acknowledgement, tcp->iss) ||
                sequence_before(tcp->snd_nxt, segment->acknowledgement))) { // first
        tcp_answer_reset(stack, segment);
        return;
    }
    if ((segment->flags & TCP_RST) != 0) { // second
        if (ack) {
            stack->statistics.tcp_resets_in++;
            tcp_end(tcp, -ECONNREFUSED);
        }
        return;
    }
    if ((segment->flags & TCP_SYN) == 0) // fourth, fifth
        return;
    tcp->irs = segment->sequence;
    tcp->rcv_nxt = tcp->last_ack_sent = segment->sequence + 1;
    tcp->rcv_adv = tcp->rcv_nxt + smaller(tcp->socket.options.receive_limit, UINT16_MAX); // as our SYN told
    tcp->peer_mss = segment->has_mss ? larger(segment->mss, TCP_MSS_MIN) : 0;
    tcp->scale_ok = tcp->scale_ok && segment->has_scale;
    tcp->snd_scale = tcp->scale_ok ? segment->scale : 0;
    tcp->rcv_scale = tcp->scale_ok ? tcp->rcv_scale : 0;
    tcp->sack_ok = tcp->sack_ok && segment->sack_permitted;
    tcp->timestamp_ok = tcp->timestamp_ok && segment->has_timestamp;
    tcp->ts_recent = segment->timestamp;
    tcp->ts_recent_at = stack->now;
    tcp->snd_wnd = tcp->max_snd_wnd = segment->window;
    tcp->snd_wl1 = segment->sequence;
    tcp->snd_wl2 = segment->acknowledgement;
    if (!ack) { // section 3.5: simultaneous open
        tcp->state = TCP_SYN_RECEIVED;
        tcp->backoff = 0;
        tcp_send_syn(tcp);
        return;
    }
    tcp->snd_una = segment->acknowledgement;
    tcp_measure(tcp, segment);
    tcp->ack_now = true;
    tcp_established(tcp);
    tcp_receive_data(tcp, segment);
    tcp_output(tcp);
}

// RFC 7323 section 5.3, R1 and R3.
static bool timestamp_is_old(struct tcp *tcp, const struct segment *segment) {
    if (!tcp->timestamp_ok || !segment->has_timestamp)
        return false;
    uint64_t age = tcp->socket.stack->now - tcp->ts_recent_at;
    return sequence_before(segment->timestamp, tcp->ts_recent) && age < (uint64_t)RECENT_DAYS * 86400 * NANOSECONDS_PER_SECOND;
}

// First: the sequence number. Section 3.4, table 5.
static bool is_acceptable(const struct tcp *tcp, const struct segment *segment) {
    uint32_t window = tcp->rcv_adv - tcp->rcv_nxt, space = segment_space(segment);
    uint32_t first = segment->sequence - tcp->rcv_nxt, last = first + space - 1;
    if (space == 0)
        return window == 0 ? first == 0 : first < window;
    if (window == 0)
        return first == 0; // section 3.10.7.4: its ACK, URG and RST count; the data is cut off
    return first < window || last < window;
}

static void refuse_sequence(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    if ((segment->flags & TCP_RST) != 0)
        return;
    if (tcp->state == TCP_SYN_RECEIVED && (segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
        segment->sequence == tcp->irs) { // our answer to its SYN was lost
        tcp_send_syn(tcp);
        return;
    }
    stack->statistics.tcp_duplicates++;
    if (tcp->sack_ok && segment->length != 0 && sequence_before(segment->sequence, tcp->rcv_nxt)) {
        tcp->duplicate = (struct range){segment->sequence, segment->sequence + segment->length};
        tcp->has_duplicate = true; // RFC 2883
    }
    if (tcp->state == TCP_TIME_WAIT && (segment->flags & TCP_FIN) != 0) // section 3.10.7.4, eighth
        timer_heap_set(&stack->timers, &tcp->state_timer, stack->now + 2 * TCP_MSL, tcp_state_expired);
    tcp_send_ack(tcp);
}

// Second: RST. RFC 5961 section 3.2. False: the segment is done with, the connection perhaps too.
static bool reset_input(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    if ((segment->flags & TCP_RST) == 0)
        return true;
    if (segment->sequence != tcp->rcv_nxt) {
        tcp_challenge(tcp);
        return false;
    }
    stack->statistics.tcp_resets_in++;
    switch (tcp->state) {
    case TCP_SYN_RECEIVED:
        tcp_end(tcp, -ECONNREFUSED);
        break;
    case TCP_CLOSING:
    case TCP_LAST_ACK:
        tcp_end(tcp, ERR_OK);
        break;
    case TCP_TIME_WAIT: // RFC 1337: a reset does not end it early
        break;
    default:
        tcp_end(tcp, -ECONNRESET);
        break;
    }
    return false;
}

// Fourth: SYN. RFC 5961 section 4.2.
static bool syn_input(struct tcp *tcp, const struct segment *segment) {
    if ((segment->flags & TCP_SYN) == 0)
        return true;
    if (tcp->state == TCP_SYN_RECEIVED && tcp->passive)
        tcp_end(tcp, ERR_OK); // back to LISTEN
    else
        tcp_challenge(tcp);
    return false;
}

// Fifth: ACK.
static bool ack_input(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    uint32_t ack = segment->acknowledgement;
    if ((segment->flags & TCP_ACK) == 0)
        return false;
    if (tcp->state == TCP_SYN_RECEIVED) {
        if (!sequence_before(tcp->snd_una, ack) || sequence_before(tcp->snd_nxt, ack)) {
            tcp_answer_reset(stack, segment);
            return false;
        }
        tcp->snd_una = ack;
        tcp->snd_wnd = tcp->max_snd_wnd = segment->window << tcp->snd_scale;
        tcp->snd_wl1 = segment->sequence;
        tcp->snd_wl2 = ack;
        tcp_measure(tcp, segment);
        tcp_established(tcp);
        return true;
    }
    // RFC 5961 section 5.2: neither for what was not sent, nor far too old.
    if (sequence_before(tcp->snd_nxt, ack) || sequence_before(ack, tcp->snd_una - larger(tcp->max_snd_wnd, 1))) {
        tcp_challenge(tcp);
        return false;
    }
    if (tcp->state == TCP_TIME_WAIT)
        return true;
    tcp_acknowledge(tcp, segment);
    bool fin_done = tcp->fin_sent && tcp->snd_una == tcp->snd_nxt;
    if (tcp->state == TCP_FIN_WAIT_1 && fin_done) {
        tcp->state = TCP_FIN_WAIT_2;
        if (tcp->orphan)
            timer_heap_set(&stack->timers, &tcp->state_timer, stack->now + TCP_ORPHAN_WAIT, tcp_state_expired);
    } else if (tcp->state == TCP_CLOSING && fin_done) {
        tcp_start_time_wait(tcp);
    } else if (tcp->state == TCP_LAST_ACK && fin_done) {
        tcp_end(tcp, ERR_OK);
        return false;
    }
    return true;
}

static void keep_timestamp(struct tcp *tcp, const struct segment *segment) {
    // RFC 7323 section 4.3, (2).
    if (!tcp->timestamp_ok || !segment->has_timestamp || sequence_before(segment->timestamp, tcp->ts_recent) ||
        sequence_before(tcp->last_ack_sent, segment->sequence))
        return;
    tcp->ts_recent = segment->timestamp;
    tcp->ts_recent_at = tcp->socket.stack->now;
}

// Section 3.5, figure 8: both opened at once, and the peer's SYN comes once more, with the ACK of ours.
static bool crosses_ours(const struct tcp *tcp, const struct segment *segment) {
    return tcp->state == TCP_SYN_RECEIVED && !tcp->passive && segment->sequence == tcp->irs && segment->length == 0 &&
           (segment->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == (TCP_SYN | TCP_ACK) &&
           segment->acknowledgement == tcp->snd_nxt;
}

// Section 3.10.7.4.
static void synchronized_input(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    bool reset = (segment->flags & TCP_RST) != 0;
    if (!reset && timestamp_is_old(tcp, segment)) {
        stack->statistics.tcp_paws++;
        tcp_send_ack(tcp);
        return;
    }
    if (crosses_ours(tcp, segment)) {
        struct segment ack = *segment;
        ack.sequence++;
        ack.flags = TCP_ACK;
        tcp->ack_now = true; // the peer may have seen our SYN alone
        if (ack_input(tcp, &ack))
            tcp_output(tcp);
        return;
    }
    if (!is_acceptable(tcp, segment)) {
        refuse_sequence(tcp, segment);
        return;
    }
    tcp->last_received = stack->now;
    tcp->keep_probes = 0;
    if (!reset_input(tcp, segment) || !syn_input(tcp, segment))
        return;
    // RFC 7323 section 3.2: from who agreed to timestamps a segment without one is not taken.
    if (tcp->timestamp_ok && !segment->has_timestamp && segment->length != 0)
        return;
    keep_timestamp(tcp, segment);
    if (!ack_input(tcp, segment))
        return;
    if (tcp->orphan && segment->length != 0 && tcp->state != TCP_TIME_WAIT &&
        sequence_before(tcp->rcv_nxt, segment->sequence + segment->length)) {
        // RFC 9293 section 3.6.1: nobody will read this; the peer must know.
        tcp_send_reset(tcp);
        tcp_end(tcp, -ECONNRESET);
        return;
    }
    tcp_receive_data(tcp, segment);
    tcp_output(tcp);
}

// A new connection may take the place of one in TIME-WAIT: RFC 9293 section 3.6.1, RFC 6191.
static bool replaces_old(const struct tcp *tcp, const struct segment *segment) {
    if (tcp->state != TCP_TIME_WAIT || (segment->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return false;
    if (tcp->timestamp_ok && segment->has_timestamp && segment->timestamp != tcp->ts_recent)
        return sequence_before(tcp->ts_recent, segment->timestamp);
    return sequence_before(tcp->rcv_nxt, segment->sequence);
}

void tcp_input(struct stack *stack, const struct packet *packet) {
    struct segment segment;
    stack->statistics.tcp_in++;
    // RFC 9293 section 3.9.2.3: never to or from a group.
    if (packet->group || address_is_multicast(&packet->source) || (!stack->sums_checked && !tcp_sum_is_right(packet)) ||
        tcp_parse(packet, &segment) != ERR_OK) {
        stack->statistics.tcp_bad++;
        return;
    }
    struct tcp *tcp = tcp_find(stack, &packet->destination, segment.destination, &packet->source, segment.source);
    struct tcp *listener = NULL;
    if (tcp == NULL || replaces_old(tcp, &segment))
        listener = tcp_find_listener(stack, packet, segment.destination);
    if (tcp != NULL && listener != NULL)
        tcp_end(tcp, ERR_OK);
    if (listener != NULL)
        tcp_listen_input(listener, &segment);
    else if (tcp == NULL)
        tcp_answer_reset(stack, &segment);
    else if (tcp->state == TCP_SYN_SENT)
        syn_sent_input(tcp, &segment);
    else
        synchronized_input(tcp, &segment);
}
