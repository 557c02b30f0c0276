// Connections as records; see records.h. The sequence numbers, the options that were agreed on, what is known of losses, of the
// path and of its times go along as they are, and so do the bytes from the oldest that is not acknowledged, or not read, on.
#include "servers/net/stack/records.h"
#include "servers/net/stack/tcp.h"

// These lie in records as they are. Who changes one of them raises RECORDS_VERSION.
_Static_assert(sizeof(struct range) == 8 && sizeof(struct congestion) == 48, "the layout of records");

// Fields that a record has from struct tcp by the same name.
#define TCP_FIELDS(X)                                                                                                            \
    X(uint64_t, ts_recent_at)                                                                                                    \
    X(uint64_t, srtt)                                                                                                            \
    X(uint64_t, rttvar)                                                                                                          \
    X(uint64_t, rto)                                                                                                             \
    X(uint64_t, timed_at)                                                                                                        \
    X(uint64_t, last_received)                                                                                                   \
    X(uint64_t, last_sent)                                                                                                       \
    X(uint64_t, stalled_since)                                                                                                   \
    X(struct congestion, congestion)                                                                                             \
    X(struct range, duplicate)                                                                                                   \
    X(uint32_t, state)                                                                                                           \
    X(uint32_t, iss)                                                                                                             \
    X(uint32_t, snd_una)                                                                                                         \
    X(uint32_t, snd_nxt)                                                                                                         \
    X(uint32_t, snd_wnd)                                                                                                         \
    X(uint32_t, snd_wl1)                                                                                                         \
    X(uint32_t, snd_wl2)                                                                                                         \
    X(uint32_t, max_snd_wnd)                                                                                                     \
    X(uint32_t, snd_up)                                                                                                          \
    X(uint32_t, mss)                                                                                                             \
    X(uint32_t, peer_mss)                                                                                                        \
    X(uint32_t, timestamp_offset)                                                                                                \
    X(uint32_t, ts_recent)                                                                                                       \
    X(uint32_t, irs)                                                                                                             \
    X(uint32_t, rcv_nxt)                                                                                                         \
    X(uint32_t, rcv_adv)                                                                                                         \
    X(uint32_t, last_ack_sent)                                                                                                   \
    X(uint32_t, rcv_up)                                                                                                          \
    X(uint32_t, ahead_count)                                                                                                     \
    X(uint32_t, unacknowledged_segments)                                                                                         \
    X(uint32_t, recovery)                                                                                                        \
    X(uint32_t, recover)                                                                                                         \
    X(uint32_t, lost_edge)                                                                                                       \
    X(uint32_t, high_rxt)                                                                                                        \
    X(uint32_t, duplicates)                                                                                                      \
    X(uint32_t, sacked_count)                                                                                                    \
    X(uint32_t, backoff)                                                                                                         \
    X(uint32_t, retries)                                                                                                         \
    X(uint32_t, timed)                                                                                                           \
    X(uint32_t, keep_probes)                                                                                                     \
    X(uint32_t, backlog)                                                                                                         \
    X(int32_t, soft_error)                                                                                                       \
    X(uint8_t, orphan)                                                                                                           \
    X(uint8_t, passive)                                                                                                          \
    X(uint8_t, fin_wanted)                                                                                                       \
    X(uint8_t, fin_sent)                                                                                                         \
    X(uint8_t, snd_scale)                                                                                                        \
    X(uint8_t, rcv_scale)                                                                                                        \
    X(uint8_t, scale_ok)                                                                                                         \
    X(uint8_t, timestamp_ok)                                                                                                     \
    X(uint8_t, sack_ok)                                                                                                          \
    X(uint8_t, urgent)                                                                                                           \
    X(uint8_t, has_duplicate)                                                                                                    \
    X(uint8_t, fin_received)                                                                                                     \
    X(uint8_t, ack_now)                                                                                                          \
    X(uint8_t, ack_delayed)                                                                                                      \
    X(uint8_t, timing)

struct tcp_record {
#define TCP_FIELD(type, name) type name;
    TCP_FIELDS(TCP_FIELD)
#undef TCP_FIELD
    uint8_t padding;
    struct range ahead[TCP_RANGES_MAX], sacked[TCP_RANGES_MAX];
    uint64_t retransmit_at, ack_at, state_at;              // 0: that timer is not armed
    uint32_t listener;                                     // the number of who made it and has not given it away; 0: none
    uint32_t send_count, receive_count, receive_and_ahead; // bytes
};

// --- giving
// Bytes from the oldest that is not read up to the last that has come.
static uint32_t receive_and_ahead(const struct tcp *tcp) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < tcp->ahead_count; i++)
        most = larger(most, tcp->ahead[i].end - tcp->rcv_nxt);
    return tcp->receive.count + most;
}

static error_t give_bytes(const struct ring_buffer *buffer, uint32_t length, struct handover *handover, uint32_t number) {
    struct piece pieces[2];
    uint32_t count = ring_buffer_pieces(buffer, 0, length, pieces);
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < count && error == ERR_OK; i++)
        error = handover_put(handover, CLASS_RECEIVE_BYTES, RECORDS_VERSION, number, pieces[i].data, pieces[i].length);
    return error;
}

// What lies in files goes along as bytes, as they are now.
static error_t give_piece(const struct stack *stack, const struct piece *piece, struct handover *handover, uint32_t number) {
    static uint8_t bytes[4096];
    error_t error = ERR_OK;
    if (piece->file == NULL)
        return handover_put(handover, CLASS_SEND_BYTES, RECORDS_VERSION, number, piece->data, piece->length);
    for (uint32_t at = 0, part; at < piece->length && error == ERR_OK; at += part) {
        part = smaller(piece->length - at, sizeof(bytes));
        stack->file_read(piece->file, piece->offset + at, bytes, part);
        error = handover_put(handover, CLASS_SEND_BYTES, RECORDS_VERSION, number, bytes, part);
    }
    return error;
}

static error_t give_send_queue(const struct tcp *tcp, struct handover *handover, uint32_t number) {
    struct piece pieces[SEND_PIECES_MOST];
    uint32_t count = send_queue_pieces(&tcp->send, 0, tcp->send.count, pieces);
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < count && error == ERR_OK; i++)
        error = give_piece(tcp->socket.stack, &pieces[i], handover, number);
    return error;
}

error_t tcp_give(const struct socket *socket, struct handover *handover, uint32_t number, uint32_t listener) {
    static struct tcp_record record; // large; nothing waits here
    const struct tcp *tcp = (const struct tcp *)socket;
    record = (struct tcp_record){
        .retransmit_at = timer_time(&tcp->retransmit_timer),
        .ack_at = timer_time(&tcp->ack_timer),
        .state_at = timer_time(&tcp->state_timer),
        .listener = listener,
        .send_count = tcp->send.count,
        .receive_count = tcp->receive.count,
        .receive_and_ahead = receive_and_ahead(tcp),
    };
#define TCP_FIELD(type, name) record.name = tcp->name;
    TCP_FIELDS(TCP_FIELD)
#undef TCP_FIELD
    memcpy(record.ahead, tcp->ahead, sizeof(record.ahead));
    memcpy(record.sacked, tcp->sacked, sizeof(record.sacked));
    error_t error = handover_put(handover, CLASS_TCP, RECORDS_VERSION, number, &record, sizeof(record));
    if (error == ERR_OK)
        error = give_send_queue(tcp, handover, number);
    if (error == ERR_OK)
        error = give_bytes(&tcp->receive, record.receive_and_ahead, handover, number);
    return error;
}

// --- taking
static bool ranges_are_sound(const struct range *ranges, uint32_t count, uint32_t from, uint32_t most) {
    for (uint32_t i = 0; i < count; i++)
        if (ranges[i].start - from >= ranges[i].end - from || ranges[i].end - from > most)
            return false;
    return true;
}

static bool is_sound(const struct tcp_record *record) {
    bool sends = record->state >= TCP_SYN_SENT && record->state < TCP_TIME_WAIT;
    bool opens = record->state == TCP_SYN_SENT || record->state == TCP_SYN_RECEIVED;
    if (record->state > TCP_TIME_WAIT || record->recovery > TCP_LOSS || record->snd_scale > 14 || record->rcv_scale > 14 ||
        record->ahead_count > TCP_RANGES_MAX || record->sacked_count > TCP_RANGES_MAX)
        return false;
    if (record->send_count > SOCKET_BUFFER_MAX + FILE_RANGES_MOST * FILE_BYTES_MOST ||
        record->receive_and_ahead > SOCKET_BUFFER_MAX || record->receive_count > record->receive_and_ahead)
        return false;
    if ((opens && record->backoff > TCP_SYN_RETRIES) || (sends && record->mss == 0))
        return false;
    // One more: SYN or FIN.
    if (sends && record->snd_nxt - record->snd_una > record->send_count + 1)
        return false;
    return (!sends || ranges_are_sound(record->sacked, record->sacked_count, record->snd_una, record->send_count + 1)) &&
           ranges_are_sound(record->ahead, record->ahead_count, record->rcv_nxt,
                            record->receive_and_ahead - record->receive_count);
}

static void take_timers(struct tcp *tcp, const struct tcp_record *record) {
    struct timer_heap *timers = &tcp->socket.stack->timers;
    if (record->retransmit_at != 0)
        timer_heap_set(timers, &tcp->retransmit_timer, record->retransmit_at, tcp_retransmit_expired);
    if (record->ack_at != 0)
        timer_heap_set(timers, &tcp->ack_timer, record->ack_at, tcp_ack_expired);
    if (record->state_at != 0)
        timer_heap_set(timers, &tcp->state_timer, record->state_at, tcp_state_expired);
}

static error_t take(struct tcp *tcp, const struct tcp_record *record, const struct taken_sockets *taken) {
    struct stack *stack = tcp->socket.stack;
    struct socket *listener = taken_find(taken, record->listener);
    if (!is_sound(record) || tcp->is_entered)
        return ERR_CORRUPT;
    if (record->listener != 0 && (listener == NULL || listener->kind != SOCKET_STREAM || !tcp_is_listening(listener)))
        return ERR_CORRUPT; // a listener comes before its connections
#define TCP_FIELD(type, name) tcp->name = record->name;
    TCP_FIELDS(TCP_FIELD)
#undef TCP_FIELD
    memcpy(tcp->ahead, record->ahead, sizeof(tcp->ahead));
    memcpy(tcp->sacked, record->sacked, sizeof(tcp->sacked));
    if ((record->send_count != 0 && !ring_buffer_reserve(stack, &tcp->send.bytes, record->send_count)) ||
        (record->receive_and_ahead != 0 && !ring_buffer_reserve(stack, &tcp->receive, record->receive_and_ahead)))
        return ERR_NO_MEMORY;
    if (tcp->state > TCP_LISTEN)
        tcp_enter(tcp);
    if (tcp->state == TCP_TIME_WAIT)
        tcp_note_time_wait(tcp);
    if (listener != NULL)
        tcp_listen_take(tcp_of(listener), tcp);
    take_timers(tcp, record);
    return ERR_OK;
}

// A buffer's count is how many bytes have been taken, until tcp_records_take has seen that it is all.
static error_t take_bytes(const struct handover *handover, const struct taken_sockets *taken, uint32_t class) {
    struct handover_view view = {0};
    while (handover_next(handover, class, &view) == ERR_OK) {
        struct socket *socket = taken_find(taken, view.view.key);
        if (view.view.version != RECORDS_VERSION)
            return ERR_NOT_SUPPORTED;
        if (socket == NULL || socket->kind != SOCKET_STREAM)
            return ERR_CORRUPT;
        struct ring_buffer *buffer = class == CLASS_SEND_BYTES ? &tcp_of(socket)->send.bytes : &tcp_of(socket)->receive;
        if (view.view.length > buffer->capacity - buffer->count)
            return ERR_CORRUPT;
        ring_buffer_put(socket->stack, buffer, buffer->count, view.view.data, view.view.length);
        buffer->count += view.view.length;
    }
    return ERR_OK;
}

error_t tcp_records_take(const struct handover *handover, const struct taken_sockets *taken) {
    static struct tcp_record record;
    struct handover_view view = {0};
    error_t error = ERR_OK;
    while (error == ERR_OK && handover_next(handover, CLASS_TCP, &view) == ERR_OK) {
        struct socket *socket = taken_find(taken, view.view.key);
        error = socket != NULL && socket->kind == SOCKET_STREAM ? handover_read(&view, RECORDS_VERSION, &record, sizeof(record))
                                                                : ERR_CORRUPT;
        if (error == ERR_OK)
            error = take(tcp_of(socket), &record, taken);
    }
    if (error == ERR_OK)
        error = take_bytes(handover, taken, CLASS_SEND_BYTES);
    if (error == ERR_OK)
        error = take_bytes(handover, taken, CLASS_RECEIVE_BYTES);
    view = (struct handover_view){0};
    while (error == ERR_OK && handover_next(handover, CLASS_TCP, &view) == ERR_OK) {
        struct tcp *tcp = tcp_of(taken_find(taken, view.view.key));
        error = handover_read(&view, RECORDS_VERSION, &record, sizeof(record));
        tcp->send.count = tcp->send.bytes.count;
        if (tcp->send.count != record.send_count || tcp->receive.count != record.receive_and_ahead)
            return ERR_CORRUPT;
        tcp->receive.count = record.receive_count;
    }
    return error;
}
