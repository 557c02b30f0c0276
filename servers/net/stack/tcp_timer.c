// TCP's timers: retransmission (RFC 6298), zero-window probes (RFC 9293 section 3.8.6.1), delayed ACKs,
// keep-alive (section 3.8.4), TIME-WAIT and the end of half-closed connections that nobody holds.
#include <errno.h>

#include "servers/net/stack/tcp.h"

static struct tcp *tcp_at(struct stack_timer *timer, size_t offset) {
    return (struct tcp *)(void *)((char *)timer - offset);
}

// RFC 6298 section 2.
void tcp_measured(struct tcp *tcp, uint64_t sample) {
    uint64_t granularity = NANOSECONDS_PER_MILLISECOND;
    if (tcp->srtt == 0) { // (2.2)
        tcp->srtt = sample != 0 ? sample : 1;
        tcp->rttvar = sample / 2;
    } else { // (2.3)
        uint64_t difference = tcp->srtt > sample ? tcp->srtt - sample : sample - tcp->srtt;
        tcp->rttvar = (3 * tcp->rttvar + difference) / 4;
        tcp->srtt = (7 * tcp->srtt + sample) / 8;
        tcp->srtt += tcp->srtt == 0;
    }
    uint64_t spread = 4 * tcp->rttvar > granularity ? 4 * tcp->rttvar : granularity;
    uint64_t rto = tcp->srtt + spread, minimum = tcp->socket.stack->rto_minimum;
    tcp->backoff = 0;                                                           // section 5: until then what was backed off stays
    tcp->rto = rto < minimum ? minimum : rto > TCP_RTO_MAX ? TCP_RTO_MAX : rto; // (2.4), (2.5)
}

static uint64_t backed_off(const struct tcp *tcp) {
    uint64_t rto = tcp->rto;
    for (uint32_t i = 0; i < tcp->backoff && rto < TCP_RTO_MAX; i++)
        rto *= 2; // (5.5)
    return rto < TCP_RTO_MAX ? rto : TCP_RTO_MAX;
}

void tcp_set_retransmit(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    timer_heap_set(&stack->timers, &tcp->retransmit_timer, stack->now + backed_off(tcp), tcp_retransmit_expired);
}

static bool gave_up(const struct tcp *tcp, uint32_t limit) {
    uint64_t now = tcp->socket.stack->now;
    uint32_t user = tcp->socket.options.user_timeout;
    if (user != 0 && tcp->stalled_since != 0 && now - tcp->stalled_since >= user * NANOSECONDS_PER_MILLISECOND)
        return true;
    return tcp->retries >= limit; // RFC 9293 section 3.8.3: R2
}

static void time_out(struct tcp *tcp) {
    tcp_end(tcp, tcp->soft_error != ERR_OK ? tcp->soft_error : ERR_DEADLINE);
}

static void retransmit(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    stack->statistics.tcp_timeouts++;
    tcp->backoff++;
    tcp->retries++;
    congestion_timeout(tcp);
    tcp->recovery = TCP_LOSS; // RFC 6675 section 5.1
    tcp->recover = tcp->snd_nxt;
    tcp->lost_edge = tcp->snd_nxt;
    tcp->high_rxt = tcp->snd_una;
    tcp->duplicates = 0;
    tcp->timing = false;
    // RFC 2018 section 8: what was sacked may have been thrown away.
    if (tcp->retries > 1 || (tcp->sacked_count != 0 && tcp->sacked[0].start == tcp->snd_una))
        tcp->sacked_count = 0;
    tcp_update_mss(tcp);
    tcp_set_retransmit(tcp);
    tcp_output(tcp);
}

// The window is closed: probes go on as long as the peer answers (RFC 9293 section 3.8.6.1).
static void probe(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    if (stack->now - tcp->last_received > 5 * TCP_RTO_MAX && tcp->retries >= TCP_DATA_RETRIES) {
        time_out(tcp);
        return;
    }
    tcp->backoff++;
    tcp->retries++;
    tcp_send_probe(tcp);
    tcp_set_retransmit(tcp);
}

void tcp_retransmit_expired(struct stack *stack, struct stack_timer *timer) {
    struct tcp *tcp = tcp_at(timer, offsetof(struct tcp, retransmit_timer));
    if (tcp->stalled_since == 0)
        tcp->stalled_since = stack->now;
    if (tcp->state == TCP_SYN_SENT || tcp->state == TCP_SYN_RECEIVED) {
        if (gave_up(tcp, TCP_SYN_RETRIES)) {
            time_out(tcp);
            return;
        }
        stack->statistics.tcp_timeouts++;
        tcp->backoff++;
        tcp->retries++;
        tcp_send_syn(tcp);
        return;
    }
    bool outstanding = tcp->snd_nxt != tcp->snd_una;
    if (!outstanding && tcp->send.count == 0 && !(tcp->fin_wanted && !tcp->fin_sent))
        return;
    if (!outstanding || tcp->snd_wnd == 0) {
        probe(tcp);
        return;
    }
    if (gave_up(tcp, tcp->orphan ? TCP_ORPHAN_RETRIES : TCP_DATA_RETRIES)) {
        time_out(tcp);
        return;
    }
    retransmit(tcp);
}

void tcp_ack_expired(struct stack *stack, struct stack_timer *timer) {
    struct tcp *tcp = tcp_at(timer, offsetof(struct tcp, ack_timer));
    (void)stack;
    if (tcp->ack_delayed)
        tcp_send_ack(tcp);
}

// --- keep-alive
void tcp_set_keep_alive(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    if (tcp->state != TCP_ESTABLISHED && tcp->state != TCP_CLOSE_WAIT)
        return;
    if (!tcp->socket.options.keep_alive) {
        timer_heap_clear(&stack->timers, &tcp->state_timer);
        return;
    }
    uint64_t seconds = tcp->keep_probes == 0 ? tcp->socket.options.keep_idle : tcp->socket.options.keep_interval;
    timer_heap_set(&stack->timers, &tcp->state_timer,
                   (tcp->keep_probes == 0 ? tcp->last_received : stack->now) + seconds * NANOSECONDS_PER_SECOND,
                   tcp_state_expired);
}

static void keep_alive(struct tcp *tcp) {
    struct stack *stack = tcp->socket.stack;
    uint64_t idle = tcp->socket.options.keep_idle * NANOSECONDS_PER_SECOND;
    if (stack->now - tcp->last_received < idle) { // something came meanwhile
        tcp->keep_probes = 0;
        tcp_set_keep_alive(tcp);
        return;
    }
    if (tcp->send.count != 0 || tcp->snd_nxt != tcp->snd_una) { // RFC 9293 section 3.8.4: only when nothing is outstanding
        timer_heap_set(&stack->timers, &tcp->state_timer, stack->now + idle, tcp_state_expired);
        return;
    }
    if (tcp->keep_probes >= tcp->socket.options.keep_count) {
        time_out(tcp);
        return;
    }
    tcp->keep_probes++;
    // RFC 9293 section 3.8.4: SEG.SEQ = SND.NXT - 1, which must be answered.
    uint32_t next = tcp->snd_nxt;
    tcp->snd_nxt = tcp->snd_una - 1;
    tcp_send_ack(tcp);
    tcp->snd_nxt = next;
    tcp_set_keep_alive(tcp);
}

void tcp_state_expired(struct stack *stack, struct stack_timer *timer) {
    struct tcp *tcp = tcp_at(timer, offsetof(struct tcp, state_timer));
    (void)stack;
    if (tcp->state == TCP_TIME_WAIT || tcp->state == TCP_FIN_WAIT_2)
        tcp_end(tcp, ERR_OK);
    else if (tcp->state == TCP_ESTABLISHED || tcp->state == TCP_CLOSE_WAIT)
        keep_alive(tcp);
}
