// TCP (RFC 9293): one connection's state. Sequence numbers are named as in section 3.3.1. Segments are made
// anew from the send buffer each time; what came out of order lies in the receive buffer at its place. Made
// by socket.c, tcp_*.c share it; nobody else looks inside.
#pragma once

#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ring_buffer.h"
#include "servers/net/stack/send_queue.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum tcp_state { // RFC 9293 section 3.3.2
    TCP_CLOSED,
    TCP_LISTEN,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
};

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

enum tcp_option {
    TCP_OPTION_END = 0,
    TCP_OPTION_NOTHING = 1,
    TCP_OPTION_MSS = 2,
    TCP_OPTION_SCALE = 3,
    TCP_OPTION_SACK_PERMITTED = 4,
    TCP_OPTION_SACK = 5,
    TCP_OPTION_TIMESTAMP = 8,
};

enum {
    TCP_HEADER_BYTES = 20,
    TCP_OPTIONS_MAX = 40,
    TCP_SCALE_MAX = 14,   // RFC 7323 section 2.3
    TCP_WINDOW_SCALE = 5, // ours
    TCP_COOKIE_OPTIONS_MAX = 20,
    TCP_RANGES_MAX = 16,      // holes that are remembered, each way
    TCP_SACK_BLOCKS = 4,      // RFC 2018 section 3
    TCP_MSS_DEFAULT_V4 = 536, // RFC 9293 section 3.7.1
    TCP_MSS_DEFAULT_V6 = 1220,
    TCP_MSS_MIN = 64,
    TCP_DUPLICATES = 3, // RFC 5681 section 3.2
    TCP_SYN_RETRIES = 5,
    TCP_DATA_RETRIES = 12,
    TCP_ORPHAN_RETRIES = 6, // of a connection that nobody holds any more
    TCP_TIME_WAIT_MAX = 4096,
    TCP_HALF_OPEN_MAX = 1024,
    TCP_CHALLENGES_PER_SECOND = 100, // RFC 5961 section 7
};

#define TCP_MSL                (30 * NANOSECONDS_PER_SECOND)
#define TCP_DELAYED_ACK        (40 * NANOSECONDS_PER_MILLISECOND) // RFC 9293 section 3.8.6.3: below 500 ms
#define TCP_RTO_FIRST          (1 * NANOSECONDS_PER_SECOND)       // RFC 6298 section 2
#define TCP_RTO_AFTER_LOST_SYN (3 * NANOSECONDS_PER_SECOND)       // RFC 6298 section 5, (5.7)
#define TCP_RTO_MAX            (60 * NANOSECONDS_PER_SECOND)
#define TCP_ORPHAN_WAIT        (60 * NANOSECONDS_PER_SECOND) // in FIN-WAIT-2 without a holder

struct range {
    uint32_t start, end; // sequence numbers, end excluded
};

// A segment that came in.
struct segment {
    const struct packet *packet;
    uint16_t source, destination;
    uint32_t sequence, acknowledgement, window; // window as in the header
    uint8_t flags;
    const uint8_t *data;
    uint32_t length; // of the data
    uint16_t urgent;
    bool has_mss, has_scale, has_timestamp, sack_permitted;
    uint16_t mss;
    uint8_t scale;
    uint32_t timestamp, timestamp_echo;
    struct range sack[TCP_SACK_BLOCKS];
    uint32_t sack_count;
};

struct congestion {
    uint32_t window, threshold; // bytes
    bool limited;               // the window held something back since the last acknowledgement
    uint32_t counted;           // bytes acknowledged towards the next increase (RFC 3465)
    uint64_t epoch;             // CUBIC (RFC 9438): start of this congestion avoidance; 0: none
    uint32_t maximum;           // W_max, bytes
    uint32_t k;                 // milliseconds
    uint32_t origin;            // bytes
    uint32_t estimate;          // W_est, bytes
    uint32_t estimate_counted;
};

enum tcp_recovery { TCP_OPEN, TCP_FAST_RECOVERY, TCP_LOSS };

struct tcp {
    struct socket socket; // first: a tcp is a socket
    enum tcp_state state;
    bool orphan;                 // nobody holds the socket: gone when it is over
    bool passive;                // it began in LISTEN
    struct tcp *next, *previous; // in a bucket of stack->connections
    bool is_entered;

    // Send sequence space.
    uint32_t iss, snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, max_snd_wnd, snd_up;
    struct send_queue send; // from snd_una (after SYN) on
    bool fin_wanted;        // behind the last byte of `send`
    bool fin_sent;
    uint8_t snd_scale, rcv_scale;
    bool scale_ok, timestamp_ok, sack_ok;
    uint32_t mss;      // largest data of a segment that is sent, options taken off
    uint32_t peer_mss; // as the peer told
    uint32_t timestamp_offset, ts_recent;
    uint64_t ts_recent_at;

    // Receive sequence space.
    uint32_t irs, rcv_nxt, rcv_adv, last_ack_sent;
    uint32_t rcv_up;
    bool urgent;
    struct ring_buffer receive;         // in order, then what is ahead of it at its place
    struct range ahead[TCP_RANGES_MAX]; // received out of order; the newest first (RFC 2018 section 4)
    uint32_t ahead_count;
    struct range duplicate; // RFC 2883: told once
    bool has_duplicate;
    bool fin_received;
    bool ack_now, ack_delayed;
    uint32_t unacknowledged_segments; // full-sized, received since the last ACK that was sent

    // Loss recovery.
    enum tcp_recovery recovery;
    uint32_t recover;                    // RFC 6582
    uint32_t lost_edge;                  // what lies below and is not sacked is lost
    uint32_t high_rxt;                   // below it lost bytes have been sent again
    uint32_t duplicates;                 // duplicate ACKs in a row
    struct range sacked[TCP_RANGES_MAX]; // sorted
    uint32_t sacked_count;
    struct congestion congestion;

    // Round-trip times (RFC 6298), nanoseconds.
    uint64_t srtt, rttvar, rto;
    uint32_t backoff; // doublings of rto, until a sample is taken anew
    uint32_t retries; // timeouts in a row without an answer
    bool timing;
    uint32_t timed;
    uint64_t timed_at;
    uint64_t last_received, last_sent, stalled_since;
    uint32_t keep_probes;
    struct stack_timer retransmit_timer, ack_timer, state_timer; // state: keep-alive, TIME-WAIT, FIN-WAIT-2
    error_t soft_error;                                          // RFC 1122 section 4.2.3.9: told if the connection times out

    // LISTEN, and the connections that it made.
    struct tcp *listener;
    struct tcp *accept_first, *accept_last, *accept_next;
    uint32_t backlog, waiting, half_open;
    // TIME-WAIT
    struct tcp *old_next, *old_previous;
    bool in_time_wait;
};

static inline struct tcp *tcp_of(struct socket *socket) {
    return (struct tcp *)socket;
}

// --- tcp_connection.c: life
MUST_USE error_t tcp_open(struct stack *stack, bool v6, struct socket **result);
MUST_USE error_t tcp_connect(struct socket *socket, const struct socket_name *name);
void tcp_close(struct socket *socket);
MUST_USE error_t tcp_shutdown(struct socket *socket, uint32_t sides);
uint32_t tcp_readiness(const struct socket *socket);
bool tcp_is_connected(const struct socket *socket);
bool tcp_port_in_use(struct stack *stack, uint16_t port);
struct tcp *tcp_find(struct stack *stack, const struct address *local, uint16_t local_port, const struct address *remote,
                     uint16_t remote_port);
void tcp_enter(struct tcp *tcp);
void tcp_set_names(struct tcp *tcp, const struct socket_name *local, const struct socket_name *remote);
uint32_t tcp_initial_sequence(struct stack *stack, const struct tcp *tcp); // RFC 6528
// Sizes by the path's MTU and the peer's MSS.
void tcp_update_mss(struct tcp *tcp);
uint32_t tcp_own_mss(const struct tcp *tcp);
void tcp_established(struct tcp *tcp);
// The connection is over; the holder is told of `error` (ERR_OK: none). The tcp may be gone afterwards.
void tcp_end(struct tcp *tcp, error_t error);
void tcp_start_time_wait(struct tcp *tcp);
void tcp_note_time_wait(struct tcp *tcp); // the youngest of those that are
void tcp_icmp_error(struct stack *stack, const struct icmp_error *error);
const char *tcp_state_name(enum tcp_state state);

// --- tcp_listen.c
bool tcp_is_listening(const struct socket *socket);
MUST_USE error_t tcp_listen(struct socket *socket, uint32_t backlog);
MUST_USE error_t tcp_accept(struct socket *socket, struct socket **result);
void tcp_listen_input(struct tcp *listener, const struct segment *segment);
// A connection of the listener got through its handshake, or ended before.
void tcp_listen_ready(struct tcp *tcp);
void tcp_listen_take(struct tcp *listener, struct tcp *tcp); // one that is half open, or waits to be accepted
void tcp_listen_forget(struct tcp *tcp);
void tcp_listen_end(struct tcp *listener);
struct tcp *tcp_find_listener(struct stack *stack, const struct packet *packet, uint16_t port);

// --- tcp_cookie.c (RFC 4987 section 3.6): changes nothing but what it is given to fill
// The sequence number of our SYN in answer to `syn`, and its options, at most TCP_COOKIE_OPTIONS_MAX bytes.
uint32_t tcp_cookie_make(const struct stack *stack, const struct segment *syn, uint8_t *options, uint32_t *length);
// True: `ack` answers a cookie of ours. *syn: the SYN that the cookie was for, as far as it tells; *timestamp_offset: our
// clock's.
bool tcp_cookie_take(const struct stack *stack, const struct segment *ack, struct segment *syn, uint32_t *timestamp_offset);
// The same of a segment's header, without a look at anything else.
bool tcp_cookie_is_ours(const struct stack *stack, const struct address *source, const struct address *destination,
                        const uint8_t *header);
// Cookies may come back.
bool tcp_cookies_are_out(const struct stack *stack);
// Calls are to be answered by cookies: too many did not complete.
bool tcp_wants_cookies(const struct stack *stack);
// The frame with a cookie that answers the frame of a call (admission.h); its length. 0: the frame is not plain enough, or wrong;
// it may be taken in as others are. It goes back to the hardware address that it came from. `answer`: TCP_COOKIE_FRAME_MAX bytes.
uint32_t tcp_cookie_answer(struct interface *interface, const uint8_t *frame, uint32_t length, bool sum_checked, uint8_t *answer);
enum {
    TCP_CALL_FRAME_MAX = ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + TCP_HEADER_BYTES + TCP_OPTIONS_MAX, // of a plain one
    TCP_COOKIE_FRAME_MAX = ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + TCP_HEADER_BYTES + TCP_COOKIE_OPTIONS_MAX,
};

// --- tcp_options.c
bool tcp_sum_is_right(const struct packet *packet);
// The sum is not looked at. ERR_INVALID.
MUST_USE error_t tcp_parse(const struct packet *packet, struct segment *segment);
// Writes header and options, of at most TCP_HEADER_BYTES + TCP_OPTIONS_MAX; their length. `window`: scaled. The sum is left to
// who sends it.
uint32_t tcp_write_header(const struct tcp *tcp, uint8_t *to, uint32_t sequence, uint8_t flags, uint32_t window);
// A header of `length` bytes with its options, which are the caller's, in answer to a segment.
void tcp_write_bare_header(uint8_t *to, const struct segment *answered, uint32_t sequence, uint32_t acknowledgement,
                           uint8_t flags, uint32_t window, uint32_t length);
uint32_t tcp_clock(const struct stack *stack); // of timestamps: milliseconds

// --- tcp_input.c
void tcp_input(struct stack *stack, const struct packet *packet);

// --- tcp_receive.c: data, its order, FIN
void tcp_receive_data(struct tcp *tcp, const struct segment *segment);
uint32_t tcp_receive_window(const struct tcp *tcp);

// --- tcp_acknowledge.c: what an ACK does to the send side
void tcp_acknowledge(struct tcp *tcp, const struct segment *segment);
// A sample of the round-trip time, if the segment gives one (RFC 6298 section 3, RFC 7323 section 4.1); snd_una has moved.
void tcp_measure(struct tcp *tcp, const struct segment *segment);

// --- tcp_sack.c: RFC 6675
void tcp_sack_input(struct tcp *tcp, const struct segment *segment, bool *news);
void tcp_sack_advance(struct tcp *tcp);
uint32_t tcp_pipe(const struct tcp *tcp);
// The next piece to be sent again; false: none. Length at most mss.
bool tcp_next_lost(const struct tcp *tcp, uint32_t *start, uint32_t *length);
bool tcp_range_add(struct range *ranges, uint32_t *count, uint32_t start, uint32_t end);

// --- tcp_output.c
void tcp_output(struct tcp *tcp);
// The interface whose card would read files that are sent now; NULL: none.
const struct interface *tcp_card(const struct tcp *tcp);
void tcp_send_ack(struct tcp *tcp);
// One byte beyond the window, or the last one again.
void tcp_send_probe(struct tcp *tcp);
void tcp_send_syn(struct tcp *tcp);
// A RST, or an ACK, in answer to a segment without a connection (RFC 9293 section 3.10.7.1).
void tcp_answer_reset(struct stack *stack, const struct segment *segment);
void tcp_send_reset(struct tcp *tcp);
void tcp_challenge(struct tcp *tcp); // RFC 5961
// Sends bytes without a connection's state: answers with cookies.
void tcp_send_bare(struct stack *stack, const struct packet *packet, const struct segment *segment, uint32_t sequence,
                   uint32_t acknowledgement, uint8_t flags, uint32_t window, const uint8_t *options, uint32_t options_length);

// --- tcp_timer.c
void tcp_set_retransmit(struct tcp *tcp);
void tcp_retransmit_expired(struct stack *stack, struct stack_timer *timer);
void tcp_ack_expired(struct stack *stack, struct stack_timer *timer);
void tcp_state_expired(struct stack *stack, struct stack_timer *timer);
void tcp_set_keep_alive(struct tcp *tcp);
void tcp_measured(struct tcp *tcp, uint64_t sample);

// --- congestion.c
void congestion_start(struct tcp *tcp);
void congestion_acknowledged(struct tcp *tcp, uint32_t bytes);
void congestion_lost(struct tcp *tcp); // fast recovery begins
void congestion_timeout(struct tcp *tcp);
void congestion_idle(struct tcp *tcp); // after a pause (RFC 9293 section 3.8.3, RFC 5681 section 4.1)
