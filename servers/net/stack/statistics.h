// What the stack counts: one list, from which the fields and the names that `netstat` prints are made.
#pragma once

#include <stdint.h>

#define STATISTICS_LIST(X)                                                                                                       \
    X(frames_in)                                                                                                                 \
    X(frames_out)                                                                                                                \
    X(frames_bad)                                                                                                                \
    X(frames_refused)                                                                                                            \
    X(frames_no_room)                                                                                                            \
    X(ip_in)                                                                                                                     \
    X(ip_out)                                                                                                                    \
    X(ip_bad)                                                                                                                    \
    X(ip_no_route)                                                                                                               \
    X(ip_not_ours)                                                                                                               \
    X(ip_fragments_in)                                                                                                           \
    X(ip_fragments_out)                                                                                                          \
    X(ip_reassembled)                                                                                                            \
    X(ip_reassembly_failed) X(icmp_in) X(icmp_out) X(icmp_bad) X(udp_in) X(udp_out) X(udp_bad) X(udp_no_port) X(udp_no_room)     \
        X(tcp_in) X(tcp_out) X(tcp_bad) X(tcp_retransmitted) X(tcp_timeouts) X(tcp_fast_recoveries) X(tcp_resets_in)             \
            X(tcp_resets_out) X(tcp_challenges) X(tcp_opened) X(tcp_accepted) X(tcp_refused) X(tcp_cookies_sent)                 \
                X(tcp_cookies_good) X(tcp_cookies_bad) X(tcp_backlog_full) X(tcp_out_of_order) X(tcp_duplicates) X(tcp_paws)     \
                    X(tcp_no_memory) X(neighbours_failed) X(sums_left_to_card) X(sums_checked_by_card) X(file_bytes_by_card)     \
                        X(file_bytes_copied)

struct stack_statistics {
#define STATISTICS_FIELD(name) uint64_t name;
    STATISTICS_LIST(STATISTICS_FIELD)
#undef STATISTICS_FIELD
};
