// Packet exchanges written from the RFCs of TCP; each case names its section. RFC 9293 unless another is
// named.
#include <errno.h>

#include "tests/host/net/script.h"

enum { SA = TCP_SYN | TCP_ACK, FA = TCP_FIN | TCP_ACK, RA = TCP_RST | TCP_ACK, PA = TCP_PSH | TCP_ACK };

// --- opening and refusing
CASE(accepts) { // 3.5, figure 6
    do_accept();
}

CASE(connects) { // 3.5
    do_connect();
}

CASE(closed_port_resets_syn) { // 3.10.7.1
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(RA, -script.stack_iss, 1, 0);
}

CASE(closed_port_resets_data) { // 3.10.7.1: the number is that of the ACK
    script.stack_iss = 5000;
    give(TCP_ACK, 1, 7, 1000, 10);
    EXPECT(TCP_RST, 7, 0, 0);
}

CASE(closed_port_ignores_reset) { // 3.10.7.1
    give(TCP_RST, 0, 0, 0, 0);
    EXPECT_NOTHING();
}

CASE(listen_resets_ack) { // 3.10.7.2, second
    do_listen();
    script.stack_iss = 5000;
    give(TCP_ACK, 1, 7, 1000, 0);
    EXPECT(TCP_RST, 7, 0, 0);
}

CASE(listen_ignores_reset) { // 3.10.7.2, first
    do_listen();
    give(TCP_RST, 0, 0, 0, 0);
    EXPECT_NOTHING();
}

CASE(listen_ignores_fin) {
    do_listen();
    give(TCP_FIN, 0, 0, 0, 0);
    EXPECT_NOTHING();
}

CASE(repeats_syn_ack) { // 3.8.1, RFC 6298: 1 s, 2 s
    do_listen();
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    pass_time(990);
    EXPECT_NOTHING();
    pass_time(20);
    EXPECT(SA, 0, 1, 0);
    pass_time(2010);
    EXPECT(SA, 0, 1, 0);
}

CASE(answers_repeated_syn) {
    do_listen();
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
}

CASE(repeats_syn_and_gives_up) { // RFC 1122 4.2.3.5
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    for (uint32_t i = 0, wait = 1000; i < 6; i++, wait *= 2) {
        EXPECT(TCP_SYN, 0, 0, 0);
        EXPECT_NOTHING();
        pass_time(wait + 1);
    }
    CHECK(stack_socket_take_error(script.socket) == ERR_DEADLINE);
}

CASE(connect_refused) { // 3.10.7.3, second
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    EXPECT(TCP_SYN, 0, 0, 0);
    give(TCP_RST, 0, 0, 0, 0); // without ACK: ignored
    CHECK(state_of(script.socket) == TCP_SYN_SENT);
    give(RA, 0, 5, 0, 0); // of nothing that was sent: ignored
    CHECK(state_of(script.socket) == TCP_SYN_SENT);
    give(RA, 0, 1, 0, 0);
    CHECK(stack_socket_take_error(script.socket) == -ECONNREFUSED);
}

CASE(syn_sent_resets_wrong_ack) { // 3.10.7.3, first
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    EXPECT(TCP_SYN, 0, 0, 0);
    give(SA, 0, 9, 1000, 0);
    EXPECT(TCP_RST, 9, 0, 0);
    CHECK(state_of(script.socket) == TCP_SYN_SENT);
}

CASE(opens_simultaneously) { // 3.5, figure 8
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    EXPECT(TCP_SYN, 0, 0, 0);
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    CHECK(state_of(script.socket) == TCP_SYN_RECEIVED);
    give(TCP_ACK, 1, 1, 1000, 0);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

CASE(syn_received_reset_returns_to_listen) { // 3.10.7.4, second
    do_listen();
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    give(TCP_RST, 1, 0, 0, 0);
    CHECK(script.stack.half_open_count == 0);
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
}

CASE(syn_received_wrong_ack) { // 3.10.7.4, fifth
    do_listen();
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    give(TCP_ACK, 1, 100, 1000, 0);
    EXPECT(TCP_RST, 100, 0, 0);
}

CASE(first_numbers_differ) { // RFC 6528: by connection, and unguessable; 3.4.1
    struct socket *other;
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    do_connect();
    uint32_t first = script.stack_iss;
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &other) == ERR_OK);
    CHECK(stack_socket_connect(other, &name) == ERR_IN_PROGRESS);
    EXPECT(TCP_SYN, 0, 0, 0);
    CHECK(script.stack_iss != first);
    stack_socket_close(other);
}

CASE(syn_offers_options) { // 3.7.1, RFC 7323, RFC 2018
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    struct seen seen = next_segment();
    CHECK(seen.segment.has_mss && seen.segment.mss == 1460 && seen.segment.has_scale && seen.segment.has_timestamp &&
          seen.segment.sack_permitted && seen.segment.timestamp_echo == 0);
}

CASE(syn_ack_offers_what_was_offered) {
    do_listen();
    give(TCP_SYN, 0, 0, 1000, 0);
    struct seen seen = next_segment();
    CHECK(seen.segment.has_mss && !seen.segment.has_scale && !seen.segment.has_timestamp && !seen.segment.sack_permitted);
}

CASE(default_mss) { // 3.7.1: without the option 536
    do_accept_with(NULL, 0);
    do_write(2000);
    EXPECT(TCP_ACK, 1, 1, 536);
}

CASE(cookies) { // RFC 4987 3.6
    script.stack.forced_cookies = true;
    do_accept();
    CHECK(script.stack.statistics.tcp_cookies_good == 1);
    do_write(500);
    EXPECT(PA, 1, 1, 500);
}

CASE(wrong_cookie) {
    do_listen();
    script.stack.forced_cookies = true;
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    give(TCP_ACK, 1, 2, 1000, 0);
    EXPECT_NOTHING();
    CHECK(script.stack.statistics.tcp_cookies_bad == 1 && script.stack.statistics.tcp_accepted == 0);
}

CASE(old_cookie) {
    do_listen();
    script.stack.forced_cookies = true;
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
    pass_time(200000);
    give(TCP_ACK, 1, 1, 1000, 0);
    EXPECT(TCP_RST, 1, 0, 0);
}

CASE(full_backlog_drops_syn) {
    do_listen();
    for (uint16_t i = 0; i < 4; i++) {
        script.peer_iss += 1000000; // the same ends: each must be over before the next
        give(TCP_SYN, 0, 0, 1000, 0);
        EXPECT(SA, 0, 1, 0);
        give(TCP_ACK, 1, 1, 1000, 0);
        break;
    }
    tcp_of(script.listener)->backlog = 1;
    script.peer_iss += 5;
    give(TCP_SYN, 0, 0, 1000, 0); // in the connection's window: a challenge, RFC 5961 4.2
    CHECK(next_segment().flags == TCP_ACK);
}

// --- attacks: RFC 5961
CASE(reset_exact) {
    do_accept();
    give(TCP_RST, 1, 0, 0, 0);
    EXPECT_NOTHING();
    CHECK(stack_socket_take_error(script.socket) == -ECONNRESET);
}

CASE(reset_in_window_is_challenged) {
    do_accept();
    give(TCP_RST, 2, 0, 0, 0);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

CASE(reset_outside_is_ignored) {
    do_accept();
    give(TCP_RST, 1 + (1 << 24), 0, 0, 0);
    EXPECT_NOTHING();
    give(TCP_RST, 0, 0, 0, 0);
    EXPECT_NOTHING();
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

CASE(syn_is_challenged) {
    do_accept();
    give(TCP_SYN, 1, 0, 1000, 0);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

CASE(ack_of_the_future_is_challenged) {
    do_accept();
    give(TCP_ACK, 1, 50, 10000, 10);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(do_read() == 0);
}

CASE(ack_far_too_old_is_challenged) {
    do_accept();
    give(TCP_ACK, 1, 1 - 20000, 10000, 10);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(do_read() == 0);
}

CASE(challenges_are_limited) { // section 7
    do_accept();
    for (uint32_t i = 0; i < 200; i++)
        give(TCP_SYN, 1, 0, 1000, 0);
    CHECK(script.count == TCP_CHALLENGES_PER_SECOND);
}

CASE(data_without_ack_is_dropped) { // 3.10.7.4, fifth
    do_accept();
    give(0, 1, 0, 10000, 10);
    EXPECT_NOTHING();
    CHECK(do_read() == 0);
}

// --- receiving
CASE(delays_ack) { // 3.8.6.3
    do_accept();
    give(PA, 1, 1, 10000, 10);
    EXPECT_NOTHING();
    pass_time(100);
    EXPECT(TCP_ACK, 1, 11, 0);
    CHECK(do_read() == 10);
}

CASE(acks_every_second) {
    do_accept();
    give(TCP_ACK, 1, 1, 10000, 1000);
    EXPECT_NOTHING();
    give(TCP_ACK, 1001, 1, 10000, 1000);
    EXPECT(TCP_ACK, 1, 2001, 0);
}

CASE(ack_rides_on_data) {
    do_accept();
    give(PA, 1, 1, 10000, 10);
    do_write(5);
    EXPECT(PA, 1, 11, 5);
    pass_time(100);
    EXPECT_NOTHING();
}

CASE(out_of_order_is_acked_at_once) { // RFC 5681 4.2
    do_accept();
    give(TCP_ACK, 1001, 1, 10000, 1000);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(do_read() == 0);
    give(TCP_ACK, 1, 1, 10000, 1000);
    EXPECT(TCP_ACK, 1, 2001, 0);
    CHECK(do_read() == 2000);
}

CASE(sack_tells_what_is_there) { // RFC 2018
    static const uint8_t options[] = {2, 4, 3, 232, 4, 2, 1, 1};
    do_accept_with(options, sizeof(options));
    give(TCP_ACK, 1001, 1, 10000, 1000);
    struct seen seen = next_segment();
    CHECK(seen.segment.sack_count == 1 && seen.segment.sack[0].start == script.peer_iss + 1001 &&
          seen.segment.sack[0].end == script.peer_iss + 2001);
    give(TCP_ACK, 4001, 1, 10000, 1000);
    seen = next_segment(); // the newest first
    CHECK(seen.segment.sack_count == 2 && seen.segment.sack[0].start == script.peer_iss + 4001);
    give(TCP_ACK, 2001, 1, 10000, 1000);
    seen = next_segment();
    CHECK(seen.segment.sack_count == 2 && seen.segment.sack[0].start == script.peer_iss + 1001 &&
          seen.segment.sack[0].end == script.peer_iss + 3001);
    give(TCP_ACK, 1, 1, 10000, 1000);
    seen = next_segment();
    CHECK(seen.acknowledgement == 3001 && seen.segment.sack_count == 1);
}

CASE(duplicate_is_told) { // RFC 2883
    static const uint8_t options[] = {2, 4, 3, 232, 4, 2, 1, 1};
    do_accept_with(options, sizeof(options));
    give(TCP_ACK, 1, 1, 10000, 1000);
    pass_time(100);
    EXPECT(TCP_ACK, 1, 1001, 0);
    give(TCP_ACK, 1, 1, 10000, 1000);
    struct seen seen = next_segment();
    CHECK(seen.acknowledgement == 1001 && seen.segment.sack_count == 1 && seen.segment.sack[0].start == script.peer_iss + 1 &&
          seen.segment.sack[0].end == script.peer_iss + 1001);
}

CASE(overlap_is_cut) { // 3.10.7.4
    do_accept();
    give(TCP_ACK, 1, 1, 10000, 100);
    give(TCP_ACK, 51, 1, 10000, 100);
    pass_time(100);
    drop_frames();
    CHECK(do_read() == 150);
}

CASE(window_is_kept_to) { // 3.4: bytes beyond are cut off
    do_listen();
    stack_socket_set_limits(script.listener, 4096, 4096);
    give(TCP_SYN, 0, 0, 10000, 0);
    struct seen seen = next_segment();
    CHECK(seen.window == 4096);
    give(TCP_ACK, 1, 1, 10000, 0);
    CHECK(stack_socket_accept(script.listener, &script.socket) == ERR_OK);
    for (uint32_t i = 0; i < 5; i++)
        give(TCP_ACK, 1 + 1000 * i, 1, 10000, 1000);
    drop_frames();
    give(TCP_ACK, 4097, 1, 10000, 10); // the window is closed: answered, and not taken
    seen = next_segment();
    CHECK(seen.acknowledgement == 4097 && seen.window == 0);
    CHECK(do_read() == 4096);
    seen = next_segment(); // 3.8.6.2.2: it opens again
    CHECK(seen.flags == TCP_ACK && seen.window == 4096);
}

CASE(keep_alive_is_answered) { // 3.8.4
    do_accept();
    give(TCP_ACK, 0, 1, 10000, 0);
    EXPECT(TCP_ACK, 1, 1, 0);
    give(TCP_ACK, 0, 1, 10000, 1);
    EXPECT(TCP_ACK, 1, 1, 0);
}

// --- sending
CASE(sends_in_pieces) {
    do_accept();
    do_write(2500);
    EXPECT(TCP_ACK, 1, 1, 1000);
    EXPECT(TCP_ACK, 1001, 1, 1000);
    EXPECT_NOTHING(); // Nagle, 3.7.4: the rest waits for an ACK
    give(TCP_ACK, 1, 2001, 10000, 0);
    EXPECT(PA, 2001, 1, 500);
}

CASE(nagle_waits) {
    do_accept();
    do_write(10);
    EXPECT(PA, 1, 1, 10);
    do_write(10);
    EXPECT_NOTHING();
    give(TCP_ACK, 1, 11, 10000, 0);
    EXPECT(PA, 11, 1, 10);
}

CASE(no_delay) {
    do_accept();
    script.socket->options.no_delay = true;
    do_write(10);
    EXPECT(PA, 1, 1, 10);
    do_write(10);
    EXPECT(PA, 11, 1, 10);
}

CASE(initial_window) { // RFC 6928
    do_listen();
    static const uint8_t mss[4] = {2, 4, 3, 232};
    give_with(TCP_SYN, 0, 0, 60000, 0, mss, 4);
    EXPECT(SA, 0, 1, 0);
    give(TCP_ACK, 1, 1, 60000, 0);
    CHECK(stack_socket_accept(script.listener, &script.socket) == ERR_OK);
    do_write(30000);
    CHECK(script.count == 10);
}

CASE(slow_start) { // RFC 5681 3.1
    do_listen();
    static const uint8_t mss[4] = {2, 4, 3, 232};
    give_with(TCP_SYN, 0, 0, 60000, 0, mss, 4);
    EXPECT(SA, 0, 1, 0);
    give(TCP_ACK, 1, 1, 60000, 0);
    CHECK(stack_socket_accept(script.listener, &script.socket) == ERR_OK);
    do_write(40000);
    CHECK(script.count == 10);
    drop_frames();
    give(TCP_ACK, 1, 2001, 60000, 0);
    CHECK(script.count == 4);
}

CASE(peer_window_limits) { // 3.8.6
    do_accept();
    do_write(1000);
    EXPECT(PA, 1, 1, 1000);
    give(TCP_ACK, 1, 1001, 2500, 0);
    do_write(5000);
    EXPECT(TCP_ACK, 1001, 1, 1000);
    EXPECT(TCP_ACK, 2001, 1, 1000);
    EXPECT_NOTHING(); // 500 bytes of window would be a silly one, 3.8.6.2.1
}

CASE(old_segment_does_not_change_window) { // SND.WL1, 3.10.7.4
    do_accept();
    give(TCP_ACK, 1, 1, 5000, 10);
    give(TCP_ACK, 1, 1, 9000, 0); // an older number: refused, answered
    CHECK(tcp_of(script.socket)->snd_wnd == 5000);
    drop_frames();
}

CASE(probes_zero_window) { // 3.8.6.1
    do_accept();
    give(TCP_ACK, 1, 1, 0, 0);
    do_write(100);
    EXPECT_NOTHING();
    uint32_t rto = (uint32_t)(tcp_of(script.socket)->rto / NANOSECONDS_PER_MILLISECOND);
    pass_time(rto + 1);
    EXPECT(TCP_ACK, 1, 1, 1);
    for (uint32_t i = 0, wait = 2 * rto; i < 12; i++, wait = wait * 2 < 60000 ? wait * 2 : 60000) {
        give(TCP_ACK, 1, 1, 0, 0); // still closed: goes on for ever
        EXPECT_NOTHING();
        pass_time(wait + 10);
        EXPECT(TCP_ACK, 1, 1, 1);
    }
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
    give(TCP_ACK, 1, 1, 10000, 0); // opens: at once
    CHECK(script.count >= 1);
    struct seen seen = next_segment();
    CHECK(seen.sequence == 1);
}

CASE(retransmits_and_backs_off) { // RFC 6298 5
    do_accept();
    do_write(100);
    EXPECT(PA, 1, 1, 100);
    uint64_t rto = tcp_of(script.socket)->rto / NANOSECONDS_PER_MILLISECOND;
    for (uint32_t i = 0; i < 5; i++, rto *= 2) {
        pass_time(rto - 2);
        EXPECT_NOTHING();
        pass_time(4);
        EXPECT(PA, 1, 1, 100);
        script.stack.now -= 2 * NANOSECONDS_PER_MILLISECOND;
    }
    give(TCP_ACK, 1, 101, 10000, 0);
    pass_time(100000);
    EXPECT_NOTHING();
}

CASE(gives_up) { // 3.8.3, R2
    do_accept();
    do_write(100);
    pass_time(1000000);
    CHECK(stack_socket_take_error(script.socket) == ERR_DEADLINE);
    drop_frames();
}

CASE(fast_retransmit) { // RFC 5681 3.2
    do_accept();
    do_write(8000);
    CHECK(script.count == 8);
    drop_frames();
    give(TCP_ACK, 1, 1, 10000, 0);
    give(TCP_ACK, 1, 1, 10000, 0);
    EXPECT_NOTHING();
    give(TCP_ACK, 1, 1, 10000, 0);
    EXPECT(TCP_ACK, 1, 1, 1000);
    CHECK(script.stack.statistics.tcp_fast_recoveries == 1);
}

CASE(partial_ack_sends_the_next_hole) { // RFC 6582 3.2, step 3
    do_accept();
    do_write(8000);
    drop_frames();
    for (uint32_t i = 0; i < 3; i++)
        give(TCP_ACK, 1, 1, 10000, 0);
    EXPECT(TCP_ACK, 1, 1, 1000);
    drop_frames();
    give(TCP_ACK, 1, 3001, 10000, 0);
    EXPECT(TCP_ACK, 3001, 1, 1000);
    give(TCP_ACK, 1, 8001, 10000, 0);
    CHECK(tcp_of(script.socket)->recovery == TCP_OPEN);
}

CASE(changed_window_is_no_duplicate) { // RFC 5681 2, (e)
    do_accept();
    do_write(8000);
    drop_frames();
    for (uint32_t i = 0; i < 5; i++)
        give(TCP_ACK, 1, 1, 10000 + i + 1, 0);
    EXPECT_NOTHING();
}

CASE(sack_recovery_sends_holes_only) { // RFC 6675
    static const uint8_t options[] = {2, 4, 3, 232, 4, 2, 1, 1};
    do_accept_with(options, sizeof(options));
    do_write(9000);
    CHECK(script.count == 9);
    drop_frames();
    uint8_t sack[12] = {1, 1, 5, 10};
    for (uint32_t i = 0; i < 3; i++) {
        store32(sack + 4, script.stack_iss + 2001);
        store32(sack + 8, script.stack_iss + 3001 + 1000 * i);
        give_with(TCP_ACK, 1, 1, 10000, 0, sack, sizeof(sack));
    }
    EXPECT(TCP_ACK, 1, 1, 1000); // lost: the first two
    EXPECT(TCP_ACK, 1001, 1, 1000);
    EXPECT_NOTHING();
    store32(sack + 8, script.stack_iss + 9001);
    give_with(TCP_ACK, 1, 1, 10000, 0, sack, sizeof(sack));
    EXPECT_NOTHING();
    give(TCP_ACK, 1, 9001, 10000, 0);
    CHECK(tcp_of(script.socket)->recovery == TCP_OPEN);
}

CASE(timeout_sends_all_again) { // RFC 5681 3.1: from one segment on
    do_accept();
    do_write(5000);
    drop_frames();
    pass_time(tcp_of(script.socket)->rto / NANOSECONDS_PER_MILLISECOND + 2);
    EXPECT(TCP_ACK, 1, 1, 1000);
    EXPECT_NOTHING();
    give(TCP_ACK, 1, 1001, 10000, 0);
    EXPECT(TCP_ACK, 1001, 1, 1000);
    EXPECT(TCP_ACK, 2001, 1, 1000);
    EXPECT_NOTHING();
}

CASE(sends_keep_alive) { // 3.8.4
    do_accept();
    script.socket->options.keep_alive = true;
    script.socket->options.keep_idle = 10;
    script.socket->options.keep_interval = 2;
    script.socket->options.keep_count = 2;
    tcp_set_keep_alive(tcp_of(script.socket));
    pass_time(10010);
    EXPECT(TCP_ACK, 0, 1, 0);
    give(TCP_ACK, 1, 1, 10000, 0);
    pass_time(10010);
    EXPECT(TCP_ACK, 0, 1, 0);
    pass_time(2010);
    EXPECT(TCP_ACK, 0, 1, 0);
    pass_time(2010);
    CHECK(stack_socket_take_error(script.socket) == ERR_DEADLINE);
}

// --- timestamps: RFC 7323
CASE(timestamps_are_echoed) {
    script.timestamp = 100;
    do_accept();
    script.timestamp = 150;
    give(PA, 1, 1, 10000, 10);
    pass_time(100);
    struct seen seen = next_segment();
    CHECK(seen.segment.has_timestamp && seen.segment.timestamp_echo == 150);
}

CASE(paws) { // 5.3
    script.timestamp = 100;
    do_accept();
    script.timestamp = 90;
    give(PA, 1, 1, 10000, 10);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(do_read() == 0 && script.stack.statistics.tcp_paws == 1);
}

CASE(missing_timestamp) { // 3.2
    script.timestamp = 100;
    do_accept();
    script.timestamp = 0;
    give(PA, 1, 1, 10000, 10);
    CHECK(do_read() == 0);
}

CASE(scaled_window) { // 2.2
    static const uint8_t options[] = {2, 4, 3, 232, 3, 3, 4, 1};
    do_accept_with(options, sizeof(options));
    give(TCP_ACK, 1, 1, 1000, 0);
    CHECK(tcp_of(script.socket)->snd_wnd == 16000);
}

// --- closing
CASE(closes_first) { // 3.6, figure 12
    do_accept();
    struct socket *socket = script.socket;
    CHECK(stack_socket_shutdown(socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    CHECK(state_of(socket) == TCP_FIN_WAIT_1);
    give(TCP_ACK, 1, 2, 10000, 0);
    CHECK(state_of(socket) == TCP_FIN_WAIT_2);
    give(FA, 1, 2, 10000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
    CHECK(state_of(socket) == TCP_TIME_WAIT);
    give(FA, 1, 2, 10000, 0); // our ACK was lost
    EXPECT(TCP_ACK, 2, 2, 0);
    pass_time(59000);
    CHECK(state_of(socket) == TCP_TIME_WAIT);
    pass_time(3000);
    CHECK(state_of(socket) == TCP_CLOSED);
}

CASE(closes_second) { // 3.6, figure 12
    do_accept();
    give(FA, 1, 1, 10000, 0);
    EXPECT(TCP_ACK, 1, 2, 0);
    CHECK(state_of(script.socket) == TCP_CLOSE_WAIT);
    do_write(10);
    EXPECT(PA, 1, 2, 10);
    give(TCP_ACK, 2, 11, 10000, 0);
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 11, 2, 0);
    CHECK(state_of(script.socket) == TCP_LAST_ACK);
    give(TCP_ACK, 2, 12, 10000, 0);
    CHECK(state_of(script.socket) == TCP_CLOSED);
}

CASE(closes_at_once) { // 3.6, figure 13
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    give(FA, 1, 1, 10000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
    CHECK(state_of(script.socket) == TCP_CLOSING);
    give(TCP_ACK, 2, 2, 10000, 0);
    CHECK(state_of(script.socket) == TCP_TIME_WAIT);
}

CASE(fin_acks_fin) { // FIN-WAIT-1 to TIME-WAIT in one step
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    give(FA, 1, 2, 10000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
    CHECK(state_of(script.socket) == TCP_TIME_WAIT);
}

CASE(fin_follows_data) {
    do_accept();
    do_write(1500);
    EXPECT(TCP_ACK, 1, 1, 1000);
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(TCP_FIN | PA, 1001, 1, 500);
}

CASE(fin_is_sent_again) {
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    pass_time(tcp_of(script.socket)->rto / NANOSECONDS_PER_MILLISECOND + 2);
    EXPECT(FA, 1, 1, 0);
}

CASE(fin_out_of_order) {
    do_accept();
    give(FA, 11, 1, 10000, 0);
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
    give(FA, 1, 1, 10000, 10);
    EXPECT(TCP_ACK, 1, 12, 0);
    CHECK(state_of(script.socket) == TCP_CLOSE_WAIT);
}

CASE(receives_half_closed) { // 3.6, case 1
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    give(PA, 1, 2, 10000, 10);
    pass_time(100);
    EXPECT(TCP_ACK, 2, 11, 0);
    CHECK(do_read() == 10);
}

CASE(data_for_nobody_is_reset) { // 3.6.1
    do_accept();
    stack_socket_close(script.socket);
    script.socket = NULL;
    EXPECT(FA, 1, 1, 0);
    give(PA, 1, 2, 10000, 10);
    EXPECT(RA, 2, 1, 0);
}

CASE(unread_data_is_reset) { // RFC 2525 2.17
    do_accept();
    give(PA, 1, 1, 10000, 10);
    stack_socket_close(script.socket);
    script.socket = NULL;
    EXPECT(RA, 1, 11, 0);
}

CASE(linger_zero_resets) {
    do_accept();
    script.socket->options.linger = 0;
    stack_socket_close(script.socket);
    script.socket = NULL;
    EXPECT(RA, 1, 1, 0);
}

CASE(time_wait_takes_a_newer_syn) { // 3.6.1, RFC 6191
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    give(FA, 1, 2, 10000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
    script.peer_iss += 100000;
    give(TCP_SYN, 0, 0, 1000, 0);
    EXPECT(SA, 0, 1, 0);
}

CASE(time_wait_refuses_an_older_syn) {
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    give(FA, 1, 2, 10000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
    give(TCP_SYN, -1000, 0, 1000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
}

CASE(time_wait_survives_reset) { // RFC 1337
    do_accept();
    CHECK(stack_socket_shutdown(script.socket, STACK_SIDE_WRITE) == ERR_OK);
    EXPECT(FA, 1, 1, 0);
    give(FA, 1, 2, 10000, 0);
    EXPECT(TCP_ACK, 2, 2, 0);
    give(TCP_RST, 2, 0, 0, 0);
    CHECK(state_of(script.socket) == TCP_TIME_WAIT);
}

CASE(half_closed_orphan_ends) {
    do_accept();
    stack_socket_close(script.socket);
    script.socket = NULL;
    EXPECT(FA, 1, 1, 0);
    give(TCP_ACK, 1, 2, 10000, 0);
    pass_time(61000);
    script.stack_iss += 0;
    give(TCP_ACK, 1, 2, 10000, 0);
    EXPECT(TCP_RST, 2, 0, 0);
}

// --- ICMP: RFC 5927, 1191
static void give_icmp(uint8_t type, uint8_t code, uint32_t parameter, uint32_t sequence) {
    uint8_t message[8 + 28] = {type, code};
    struct flow flow = {.source = address_from_v4(0x0a000001),
                        .destination = address_from_v4(0x0a000002),
                        .protocol = PROTOCOL_NUMBER_TCP,
                        .hops = 64};
    store32(message + 4, parameter);
    ipv4_header(message + 8, &flow, 1000, 1, 0x4000);
    store16(message + 28, script.socket->local.port);
    store16(message + 30, PEER_PORT);
    store32(message + 32, script.stack_iss + sequence);
    store16(message + 2, checksum_finish(checksum_add(0, message, sizeof(message))));
    give_ipv4(PROTOCOL_NUMBER_ICMP, message, sizeof(message), 0);
}

CASE(too_big_makes_smaller_segments) {
    do_accept();
    do_write(1000);
    EXPECT(PA, 1, 1, 1000);
    give_icmp(3, 4, 600, 1);
    EXPECT(TCP_ACK, 1, 1, 560);
}

CASE(too_big_for_what_was_not_sent) {
    do_accept();
    do_write(1000);
    EXPECT(PA, 1, 1, 1000);
    give_icmp(3, 4, 600, 100000);
    EXPECT_NOTHING();
    CHECK(tcp_of(script.socket)->mss == 1000);
}

CASE(too_big_is_never_tiny) {
    do_accept();
    do_write(1000);
    EXPECT(PA, 1, 1, 1000);
    give_icmp(3, 4, 68, 1);
    EXPECT(TCP_ACK, 1, 1, 512);
}

CASE(port_unreachable_ends_syn_sent) { // 3.9.2.2
    struct socket_name name = {.address = address_from_v4(0x0a000002), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    EXPECT(TCP_SYN, 0, 0, 0);
    give_icmp(3, 3, 0, 0);
    CHECK(stack_socket_take_error(script.socket) == -ECONNREFUSED);
}

CASE(port_unreachable_does_not_end_established) { // RFC 5927 5.2
    do_accept();
    do_write(10);
    EXPECT(PA, 1, 1, 10);
    give_icmp(3, 3, 0, 1);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

int main(void) {
    static void (*const cases[])(void) = {accepts_run,
                                          connects_run,
                                          closed_port_resets_syn_run,
                                          closed_port_resets_data_run,
                                          closed_port_ignores_reset_run,
                                          listen_resets_ack_run,
                                          listen_ignores_reset_run,
                                          listen_ignores_fin_run,
                                          repeats_syn_ack_run,
                                          answers_repeated_syn_run,
                                          repeats_syn_and_gives_up_run,
                                          connect_refused_run,
                                          syn_sent_resets_wrong_ack_run,
                                          opens_simultaneously_run,
                                          syn_received_reset_returns_to_listen_run,
                                          syn_received_wrong_ack_run,
                                          first_numbers_differ_run,
                                          syn_offers_options_run,
                                          syn_ack_offers_what_was_offered_run,
                                          default_mss_run,
                                          cookies_run,
                                          wrong_cookie_run,
                                          old_cookie_run,
                                          full_backlog_drops_syn_run,
                                          reset_exact_run,
                                          reset_in_window_is_challenged_run,
                                          reset_outside_is_ignored_run,
                                          syn_is_challenged_run,
                                          ack_of_the_future_is_challenged_run,
                                          ack_far_too_old_is_challenged_run,
                                          challenges_are_limited_run,
                                          data_without_ack_is_dropped_run,
                                          delays_ack_run,
                                          acks_every_second_run,
                                          ack_rides_on_data_run,
                                          out_of_order_is_acked_at_once_run,
                                          sack_tells_what_is_there_run,
                                          duplicate_is_told_run,
                                          overlap_is_cut_run,
                                          window_is_kept_to_run,
                                          keep_alive_is_answered_run,
                                          sends_in_pieces_run,
                                          nagle_waits_run,
                                          no_delay_run,
                                          initial_window_run,
                                          slow_start_run,
                                          peer_window_limits_run,
                                          old_segment_does_not_change_window_run,
                                          probes_zero_window_run,
                                          retransmits_and_backs_off_run,
                                          gives_up_run,
                                          fast_retransmit_run,
                                          partial_ack_sends_the_next_hole_run,
                                          changed_window_is_no_duplicate_run,
                                          sack_recovery_sends_holes_only_run,
                                          timeout_sends_all_again_run,
                                          sends_keep_alive_run,
                                          timestamps_are_echoed_run,
                                          paws_run,
                                          missing_timestamp_run,
                                          scaled_window_run,
                                          closes_first_run,
                                          closes_second_run,
                                          closes_at_once_run,
                                          fin_acks_fin_run,
                                          fin_follows_data_run,
                                          fin_is_sent_again_run,
                                          fin_out_of_order_run,
                                          receives_half_closed_run,
                                          data_for_nobody_is_reset_run,
                                          unread_data_is_reset_run,
                                          linger_zero_resets_run,
                                          time_wait_takes_a_newer_syn_run,
                                          time_wait_refuses_an_older_syn_run,
                                          time_wait_survives_reset_run,
                                          half_closed_orphan_ends_run,
                                          too_big_makes_smaller_segments_run,
                                          too_big_for_what_was_not_sent_run,
                                          too_big_is_never_tiny_run,
                                          port_unreachable_ends_syn_sent_run,
                                          port_unreachable_does_not_end_established_run};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i]();
    printf("%u exchanges\n", script.cases);
    return 0;
}
