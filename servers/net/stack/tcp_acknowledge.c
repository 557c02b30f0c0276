// What an ACK does: the send window (RFC 9293 section 3.10.7.4, fifth), what was lost (RFC 5681, 6582, 6675),
// round-trip times (RFC 6298, 7323).
#include "servers/net/stack/tcp.h"

void tcp_measure(struct tcp *tcp, const struct segment *segment) {
    struct stack *stack = tcp->socket.stack;
    if (tcp->timestamp_ok && segment->has_timestamp && segment->timestamp_echo != 0) {
        uint32_t sent = segment->timestamp_echo - tcp->timestamp_offset;
        uint32_t elapsed = tcp_clock(stack) - sent;
        if (elapsed < 600000) // an echo of nonsense
            tcp_measured(tcp, elapsed * NANOSECONDS_PER_MILLISECOND);
    } else if (tcp->timing && sequence_at_most(tcp->timed, tcp->snd_una)) {
        tcp_measured(tcp, stack->now - tcp->timed_at);
    }
    if (tcp->timing && sequence_at_most(tcp->timed, tcp->snd_una))
        tcp->timing = false;
}

// True: the window changed.
static bool update_window(struct tcp *tcp, const struct segment *segment) {
    uint32_t window = segment->window << ((segment->flags & TCP_SYN) != 0 ? 0 : tcp->snd_scale);
    // What fills a hole is older than SND.WL1; if it acknowledges more, its window counts nonetheless: the right edge would move
    // on with SND.UNA.
    if (!sequence_before(tcp->snd_una, segment->acknowledgement) && !sequence_before(tcp->snd_wl1, segment->sequence) &&
        !(tcp->snd_wl1 == segment->sequence && sequence_at_most(tcp->snd_wl2, segment->acknowledgement)))
        return false;
    bool changed = window != tcp->snd_wnd, opened = tcp->snd_wnd == 0 && window != 0;
    tcp->snd_wnd = window;
    tcp->snd_wl1 = sequence_later(tcp->snd_wl1, segment->sequence);
    tcp->snd_wl2 = segment->acknowledgement;
    tcp->max_snd_wnd = larger(tcp->max_snd_wnd, window);
    if (opened && tcp->snd_nxt == tcp->snd_una + 1 && segment->acknowledgement == tcp->snd_una) {
        // The probe was not taken: it goes out once more, with all that waits behind it.
        tcp->snd_nxt = tcp->recover = tcp->lost_edge = tcp->high_rxt = tcp->snd_una;
        tcp->recovery = TCP_OPEN;
        tcp->fin_sent = tcp->timing = false;
        tcp->backoff = tcp->retries = 0;
        tcp->stalled_since = 0;
        timer_stop(&tcp->retransmit_timer);
    } else if (opened && tcp->snd_nxt != tcp->snd_una) { // what was sent beyond the window goes out again at once
        tcp->recovery = TCP_LOSS;
        tcp->recover = tcp->snd_nxt;
        tcp->lost_edge = tcp->snd_nxt;
        tcp->high_rxt = tcp->snd_una;
        tcp->backoff = tcp->retries = 0;
        tcp->stalled_since = 0;
        tcp_set_retransmit(tcp);
    } else if (opened) {
        tcp->backoff = tcp->retries = 0;
        timer_stop(&tcp->retransmit_timer);
    }
    return changed;
}

static void leave_recovery(struct tcp *tcp) {
    if (tcp->recovery == TCP_FAST_RECOVERY) // RFC 6582 section 3.2, step 3, (1)
        tcp->congestion.window = smaller(tcp->congestion.threshold, larger(tcp->snd_nxt - tcp->snd_una, tcp->mss) + tcp->mss);
    tcp->recovery = TCP_OPEN;
    tcp->duplicates = 0;
    tcp->lost_edge = tcp->high_rxt = tcp->snd_una;
}

// The ACK covers `bytes` more.
static void advance(struct tcp *tcp, uint32_t bytes) {
    struct stack *stack = tcp->socket.stack;
    uint32_t data = smaller(bytes, tcp->send.count);
    bool recovered = tcp->recovery == TCP_FAST_RECOVERY && sequence_at_most(tcp->recover, tcp->snd_una + bytes);
    tcp->snd_una += bytes;
    send_queue_drop(stack, &tcp->send, data);
    tcp_sack_advance(tcp);
    tcp->stalled_since = 0;
    if (tcp->recovery != TCP_OPEN && sequence_at_most(tcp->recover, tcp->snd_una)) {
        leave_recovery(tcp);
    } else if (tcp->recovery == TCP_FAST_RECOVERY && !tcp->sack_ok) { // RFC 6582 section 3.2, step 3: partial
        uint32_t covered = bytes / tcp->mss;
        tcp->duplicates -= smaller(tcp->duplicates, covered > 1 ? covered - 1 : 0);
        tcp->lost_edge = tcp->snd_una + smaller(tcp->mss, tcp->snd_nxt - tcp->snd_una);
        tcp->high_rxt = tcp->snd_una;
    } else if (tcp->recovery == TCP_OPEN) {
        tcp->duplicates = 0;
    }
    if (tcp->recovery != TCP_FAST_RECOVERY &&
        !recovered) // RFC 6582 section 3.2, step 3: this ACK sets the window, it does not grow it
        congestion_acknowledged(tcp, bytes);
    tcp->retries = 0;
    if (tcp->snd_una == tcp->snd_nxt)
        timer_stop(&tcp->retransmit_timer); // (5.2)
    else
        tcp_set_retransmit(tcp); // (5.3)
}

static void enter_fast_recovery(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    stack->statistics.tcp_fast_recoveries++;
    congestion_lost(tcp);
    tcp->recovery = TCP_FAST_RECOVERY;
    tcp->recover = tcp->snd_nxt;
    tcp->high_rxt = tcp->snd_una;
    tcp->lost_edge = sequence_later(tcp->lost_edge, tcp->snd_una + smaller(tcp->mss, tcp->snd_nxt - tcp->snd_una));
    tcp_set_retransmit(tcp);
}

void tcp_acknowledge(struct tcp *tcp, const struct segment *segment) {
    bool sack_news = false, outstanding = tcp->snd_nxt != tcp->snd_una;
    bool advances = sequence_before(tcp->snd_una, segment->acknowledgement);
    bool window_changed = update_window(tcp, segment);
    if (tcp->sack_ok)
        tcp_sack_input(tcp, segment, &sack_news);
    if (advances) {
        advance(tcp, segment->acknowledgement - tcp->snd_una);
        tcp_measure(tcp, segment);
        socket_changed(&tcp->socket);
        neighbour_confirm(segment->packet->interface, &segment->packet->source);
    } else if (outstanding && segment->acknowledgement == tcp->snd_una && segment->length == 0 &&
               (segment->flags & (TCP_SYN | TCP_FIN)) == 0 && (tcp->sack_ok ? sack_news : !window_changed) && tcp->snd_wnd != 0) {
        tcp->duplicates++; // RFC 5681 section 2; RFC 6675 section 2
    }
    if (tcp->sack_ok)
        tcp_sack_advance(tcp);
    bool lost = tcp->duplicates >= TCP_DUPLICATES || sequence_before(tcp->snd_una, tcp->lost_edge);
    // RFC 6582 section 3.2, step 1: not for what was outstanding at the last timeout.
    if (tcp->recovery == TCP_OPEN && tcp->snd_nxt != tcp->snd_una && lost &&
        (tcp->sack_ok || sequence_before(tcp->recover, tcp->snd_una + 1)))
        enter_fast_recovery(tcp);
}
