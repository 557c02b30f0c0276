// Congestion control: slow start and NewReno (RFC 5681, 6582), CUBIC (RFC 9438), the initial window (RFC
// 6928). Windows in bytes, times in milliseconds; integers only.
#include "servers/net/stack/tcp.h"

enum { INITIAL_SEGMENTS = 10, CUBIC_TIME_MAX = 100000 };

static uint32_t flight(const struct tcp *tcp) {
    return tcp->snd_nxt - tcp->snd_una;
}

void congestion_start(struct tcp *tcp) {
    // RFC 6928 section 2: min(10 * MSS, max(2 * MSS, 14600)).
    uint32_t window = smaller(INITIAL_SEGMENTS * tcp->mss, larger(2 * tcp->mss, 14600));
    tcp->congestion = (struct congestion){.window = window, .threshold = UINT32_MAX};
    if (tcp->retries > 1) // RFC 5681 section 3.1: the SYN was lost
        tcp->congestion.window = tcp->mss;
}

static uint64_t cube_root(uint64_t value) {
    uint64_t root = 0;
    for (int bit = 20; bit >= 0; bit--) {
        uint64_t larger_root = root | UINT64_C(1) << bit;
        if (larger_root * larger_root * larger_root <= value)
            root = larger_root;
    }
    return root;
}

// C * t^3 in bytes, C = 0.4 segments per second cubed; t in milliseconds.
static uint64_t cubic_bytes(uint64_t milliseconds, uint32_t mss) {
    uint64_t t = milliseconds < CUBIC_TIME_MAX ? milliseconds : CUBIC_TIME_MAX;
    return t * t * t / 100000 * 4 * mss / 100000;
}

// RFC 9438 section 4.2: K = cbrt((W_max - cwnd_epoch) / C).
static void epoch_start(struct tcp *tcp) {
    struct congestion *congestion = &tcp->congestion;
    congestion->epoch = tcp->socket.stack->now;
    congestion->estimate = congestion->window;
    congestion->estimate_counted = 0;
    if (congestion->window < congestion->maximum) {
        uint64_t gap = congestion->maximum - congestion->window;
        congestion->k = (uint32_t)cube_root(gap * UINT64_C(2500000000) / tcp->mss);
        congestion->origin = congestion->maximum;
    } else {
        congestion->k = 0;
        congestion->origin = congestion->window;
    }
}

// RFC 9438 sections 4.2 to 4.5.
static void cubic_increase(struct tcp *tcp, uint32_t bytes) {
    struct congestion *congestion = &tcp->congestion;
    if (congestion->epoch == 0)
        epoch_start(tcp);
    uint64_t t = (tcp->socket.stack->now - congestion->epoch + tcp->srtt) / NANOSECONDS_PER_MILLISECOND;
    uint64_t target = congestion->origin;
    if (t >= congestion->k)
        target += cubic_bytes(t - congestion->k, tcp->mss);
    else
        target -= cubic_bytes(congestion->k - t, tcp->mss) < target ? cubic_bytes(congestion->k - t, tcp->mss) : target;
    // Between the window and one and a half of it (section 4.2).
    uint64_t most = (uint64_t)congestion->window + congestion->window / 2;
    target = target < congestion->window ? congestion->window : target > most ? most : target;
    // Section 4.3: what Reno would have, with alpha = 3 * (1 - 0.7) / (1 + 0.7) = 9 / 17.
    congestion->estimate_counted += bytes;
    uint64_t step = (uint64_t)congestion->estimate_counted * tcp->mss * 9 / 17 / congestion->window;
    if (step != 0) {
        congestion->estimate += (uint32_t)step;
        congestion->estimate_counted = 0;
    }
    if (target < congestion->estimate)
        target = congestion->estimate;
    // (target - cwnd) / cwnd for each segment that was acknowledged.
    congestion->counted += bytes;
    uint64_t increase = (target - congestion->window) * congestion->counted / congestion->window;
    if (increase != 0) {
        congestion->window += (uint32_t)smaller((uint32_t)increase, bytes);
        congestion->counted = 0;
    }
}

void congestion_acknowledged(struct tcp *tcp, uint32_t bytes) {
    struct congestion *congestion = &tcp->congestion;
    // RFC 9438 section 5.8, RFC 5681 section 4.1: a window that is not used does not grow.
    if (!congestion->limited || congestion->window >= SOCKET_BUFFER_MAX * 4)
        return;
    if (congestion->window < congestion->threshold) { // slow start, RFC 5681 section 3.1, RFC 3465 with L = 2
        congestion->window += smaller(bytes, 2 * tcp->mss);
    } else if (!tcp->socket.stack->newreno) {
        cubic_increase(tcp, bytes);
    } else { // RFC 5681 section 3.1, (3): a segment for each window
        congestion->counted += bytes;
        if (congestion->counted >= congestion->window) {
            congestion->counted -= congestion->window;
            congestion->window += tcp->mss;
        }
    }
    congestion->limited = false;
}

// RFC 5681 section 3.1, (4); RFC 9438 section 4.6 with beta = 0.7.
static uint32_t reduced(struct tcp *tcp) {
    struct congestion *congestion = &tcp->congestion;
    uint32_t base = smaller(flight(tcp), congestion->window), window = base / 2;
    if (!tcp->socket.stack->newreno) {
        // Section 4.7: a window that did not reach the last maximum makes room for others.
        congestion->maximum =
            congestion->window < congestion->maximum ? (uint32_t)((uint64_t)congestion->window * 17 / 20) : congestion->window;
        window = (uint32_t)((uint64_t)base * 7 / 10);
    }
    return larger(window, 2 * tcp->mss);
}

void congestion_lost(struct tcp *tcp) {
    struct congestion *congestion = &tcp->congestion;
    congestion->threshold = congestion->window = reduced(tcp);
    congestion->epoch = 0;
    congestion->counted = 0;
}

void congestion_timeout(struct tcp *tcp) {
    struct congestion *congestion = &tcp->congestion;
    if (tcp->retries <= 1) // RFC 5681 section 3.1: not again for the same segment
        congestion->threshold = reduced(tcp);
    congestion->window = tcp->mss;
    congestion->epoch = 0;
    congestion->counted = 0;
}

void congestion_idle(struct tcp *tcp) {
    struct congestion *congestion = &tcp->congestion;
    uint32_t restart = smaller(INITIAL_SEGMENTS * tcp->mss, larger(2 * tcp->mss, 14600));
    if (tcp->socket.stack->now - tcp->last_sent > tcp->rto && congestion->window > restart) {
        congestion->window = restart;
        congestion->epoch = 0;
    }
}
