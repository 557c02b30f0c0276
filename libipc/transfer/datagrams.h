// Several datagrams in one lent buffer (socket.send_many, socket.receive_many): a table of `struct socket_datagram`, and behind
// it the bytes of one after the other, each beginning at a multiple of 8. The table has `places` places, of which the first
// `count` are used. Written by libc/system/datagrams.c and servers/net/datagrams.c, each of which reads what the other wrote: so
// nothing is read before datagrams_fit has looked at lengths and counts, in memory that the other side can't change any more.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/protocols/socket.h"

enum {
    DATAGRAMS_MOST = 64, // in one request
    DATAGRAMS_ALIGNMENT = 8,
};

_Static_assert(sizeof(struct socket_datagram) == 32, "places keep the bytes behind them aligned");

// Where the bytes begin.
static inline uint64_t datagrams_table(uint64_t places) {
    return places * sizeof(struct socket_datagram);
}

// Where the next one's begin, behind `length` bytes at `at`.
static inline uint64_t datagrams_behind(uint64_t at, uint64_t length) {
    return (at + length + DATAGRAMS_ALIGNMENT - 1) & ~(uint64_t)(DATAGRAMS_ALIGNMENT - 1);
}

// Whether the table and all that it tells of lies in the first `size` bytes of the buffer, which is aligned as the table is.
static inline bool datagrams_fit(const void *buffer, uint64_t size, uint64_t places, uint64_t count) {
    const struct socket_datagram *table = buffer;
    uint64_t at = datagrams_table(places);
    if (places > DATAGRAMS_MOST || count > places || at > size)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (at > size || table[i].length > size - at)
            return false;
        at = datagrams_behind(at, table[i].length);
    }
    return true;
}
