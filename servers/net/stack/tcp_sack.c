// The sender's scoreboard and what is taken for lost: RFC 6675, with RFC 6582 for peers without SACK. One
// rule serves both: what lies below `lost_edge`, is not sacked, and not below `high_rxt`, is to be sent
// again.
#include "servers/net/stack/tcp.h"

// Adds [start, end) to sorted, separate ranges; joins what touches. False: too many holes, it was not
// entered.
bool tcp_range_add(struct range *ranges, uint32_t *count, uint32_t start, uint32_t end) {
    uint32_t at = 0;
    while (at < *count && sequence_before(ranges[at].end, start))
        at++;
    uint32_t after = at;
    while (after < *count && sequence_at_most(ranges[after].start, end)) {
        start = sequence_before(ranges[after].start, start) ? ranges[after].start : start;
        end = sequence_later(ranges[after].end, end);
        after++;
    }
    uint32_t joined = after - at;
    if (joined == 0 && *count == TCP_RANGES_MAX)
        return false;
    memmove(ranges + at + 1, ranges + after, (*count - after) * sizeof(*ranges));
    ranges[at] = (struct range){start, end};
    *count = *count + 1 - joined;
    return true;
}

static uint32_t sacked_bytes(const struct tcp *tcp) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < tcp->sacked_count; i++)
        bytes += tcp->sacked[i].end - tcp->sacked[i].start;
    return bytes;
}

// RFC 6675 section 4, IsLost: DupThresh ranges above it, or more than (DupThresh - 1) * SMSS bytes. It holds
// for all below the start of the range where the count from the top is reached.
static void raise_lost_edge(struct tcp *tcp) {
    uint32_t bytes = 0;
    for (uint32_t i = tcp->sacked_count; i > 0; i--) {
        const struct range *range = &tcp->sacked[i - 1];
        bytes += range->end - range->start;
        if (tcp->sacked_count - i + 1 >= TCP_DUPLICATES || bytes > (TCP_DUPLICATES - 1) * tcp->mss) {
            tcp->lost_edge = sequence_later(tcp->lost_edge, range->start);
            return;
        }
    }
}

void tcp_sack_input(struct tcp *tcp, const struct segment *segment, bool *news) {
    uint32_t before = sacked_bytes(tcp);
    for (uint32_t i = 0; i < segment->sack_count; i++) {
        struct range block = segment->sack[i];
        // Of blocks below the acknowledgement (RFC 2883) or of what was never sent nothing is learned.
        if (!sequence_before(block.start, block.end) || sequence_before(block.start, tcp->snd_una) ||
            sequence_before(tcp->snd_nxt, block.end) || sequence_at_most(block.end, segment->acknowledgement))
            continue;
        bool ignored = tcp_range_add(tcp->sacked, &tcp->sacked_count, block.start, block.end);
        (void)ignored; // with too many holes the peer's bytes are sent once more
    }
    *news = sacked_bytes(tcp) != before;
}

void tcp_sack_advance(struct tcp *tcp) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tcp->sacked_count; i++) {
        struct range range = tcp->sacked[i];
        if (sequence_at_most(range.end, tcp->snd_una))
            continue;
        range.start = sequence_later(range.start, tcp->snd_una);
        tcp->sacked[kept++] = range;
    }
    tcp->sacked_count = kept;
    tcp->lost_edge = sequence_later(tcp->lost_edge, tcp->snd_una);
    tcp->high_rxt = sequence_later(tcp->high_rxt, tcp->snd_una);
    raise_lost_edge(tcp);
}

// Bytes of [start, end) that are not sacked.
static uint32_t unsacked(const struct tcp *tcp, uint32_t start, uint32_t end) {
    if (!sequence_before(start, end))
        return 0;
    uint32_t bytes = end - start;
    for (uint32_t i = 0; i < tcp->sacked_count; i++) {
        uint32_t low = sequence_later(start, tcp->sacked[i].start);
        uint32_t high = sequence_before(tcp->sacked[i].end, end) ? tcp->sacked[i].end : end;
        if (sequence_before(low, high))
            bytes -= high - low;
    }
    return bytes;
}

// RFC 6675 section 4, SetPipe; without SACK each duplicate ACK stands for a segment that has left (RFC 5681).
uint32_t tcp_pipe(const struct tcp *tcp) {
    uint32_t pipe = unsacked(tcp, tcp->snd_una, tcp->snd_nxt);
    uint32_t lost = unsacked(tcp, tcp->high_rxt, tcp->lost_edge);
    pipe -= smaller(lost, pipe);
    if (!tcp->sack_ok && tcp->recovery != TCP_LOSS) // after a timeout all is taken for lost already
        pipe -= smaller(tcp->duplicates * tcp->mss, pipe);
    return pipe;
}

bool tcp_next_lost(const struct tcp *tcp, uint32_t *start, uint32_t *length) {
    uint32_t at = sequence_later(tcp->snd_una, tcp->high_rxt);
    uint32_t end = sequence_before(tcp->lost_edge, tcp->snd_nxt) ? tcp->lost_edge : tcp->snd_nxt;
    if (tcp->recovery == TCP_OPEN)
        return false;
    for (uint32_t i = 0; i < tcp->sacked_count; i++) {
        if (sequence_before(at, tcp->sacked[i].start)) {
            end = sequence_before(tcp->sacked[i].start, end) ? tcp->sacked[i].start : end;
            break;
        }
        at = sequence_later(at, tcp->sacked[i].end);
    }
    if (!sequence_before(at, end))
        return false;
    *start = at;
    *length = smaller(end - at, tcp->mss);
    return true;
}
