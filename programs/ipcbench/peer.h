// What runs in the other process: loops of a few instructions, without an FPU, in a section of their own that
// is copied into a memory object and mapped there. They touch nothing but registers, their stack, the shared
// page and their message page, so they run at any address; they are compiled into the program as well, for
// the measurements within one process.
#pragma once

#include <stdint.h>

#include "kernel/abi/message.h"

enum { METHOD_PEER = 0x7f01 }; // of no protocol: both sides are here

// One page that both sides map. The side that measures fills in the first part before it starts the other
// one's thread.
struct peer_shared {
    cap_t endpoint; // slots in the peer's table
    cap_t notification;
    cap_t target; // what the peer works on: a memory object, usually
    cap_t source;
    cap_t free_slot;           // slots from here on are empty
    uint32_t length;           // bytes to move
    struct message_page *page; // addresses in the peer's space
    const void *buffer;
    uint64_t time;   // when the peer came to run, told by peers that tell it
    uint64_t count;  // of round trips, told by peer_call
    uint64_t failed; // 1: it got an error and stopped
};

// The section's bounds, made by the linker.
extern const char peer_begin[] __asm__("__start_peer_text") __attribute__((visibility("hidden")));
extern const char peer_end[] __asm__("__stop_peer_text") __attribute__((visibility("hidden")));

#define PEER __attribute__((section("peer_text"), noinline, used))

typedef void peer_function(struct peer_shared *shared);

peer_function peer_answer;        // answers every call with its own four words
peer_function peer_answer_time;   // the same, and tells when the call arrived
peer_function peer_call;          // calls `target` with four words for ever, counting
peer_function peer_take_cap;      // takes a capability with each call into a fresh slot, answers without words
peer_function peer_lend;          // fills the lent buffer with `length` bytes, as a file server answers a read
peer_function peer_wait;          // waits at the notification, tells when it woke
peer_function peer_page;          // a pager: supplies pages of `target` from `source` at the same offset
peer_function peer_begin_process; // signals the time of its first instruction, then waits
