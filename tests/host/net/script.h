// One stack, and a peer that is a script: segments are made by hand, what the stack sends is looked at one by
// one, time passes when the script says so. The stack is 10.0.0.1 (fe80::ff:fe00:1), the peer 10.0.0.2. Each
// case begins with a fresh stack.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: in %s: %s\n", __FILE__, __LINE__, script.name, #condition);                                  \
            script_show();                                                                                                       \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

enum { FRAMES_MAX = 256, FRAME_BYTES = 2048, STACK_PORT = 80, PEER_PORT = 4000 };

struct frame {
    uint32_t length;
    uint8_t bytes[FRAME_BYTES];
};

// A TCP segment as it was sent, sequence numbers from the initial ones.
struct seen {
    uint8_t flags;
    uint32_t sequence, acknowledgement, window, length;
    struct segment segment;
    struct packet packet;
};

struct script {
    const char *name;
    uint32_t cases;
    struct stack stack;
    struct interface *interface;
    struct frame frames[FRAMES_MAX];
    uint32_t first, count;
    struct socket *listener, *socket;
    uint32_t stack_iss, peer_iss; // added to the numbers of the script
    uint32_t timestamp;           // the peer's; 0: no option
    uint32_t timestamp_echo;
    uint32_t last_timestamp; // of the stack's last segment
};

extern struct script script;

void script_show(void);
void script_begin(const char *name);
void script_end(void);
#define CASE(name)                                                                                                               \
    static void name(void);                                                                                                      \
    static void name##_run(void) {                                                                                               \
        script_begin(#name);                                                                                                     \
        name();                                                                                                                  \
        script_end();                                                                                                            \
    }                                                                                                                            \
    static void name(void)

void pass_time(uint64_t milliseconds);
// Frames: any, to the stack; the next that it sent (NULL: none); all of them are dropped.
void give_frame(const uint8_t *frame, uint32_t length);
const struct frame *next_frame(void);
void drop_frames(void);
// An IPv4 packet from the peer with this protocol and payload; checksums of UDP and TCP are the caller's.
void give_ipv4(uint8_t protocol, const uint8_t *payload, uint32_t length, uint32_t fragment);

// TCP. Numbers count from the initial sequence numbers.
void give(uint8_t flags, uint32_t sequence, uint32_t acknowledgement, uint32_t window, uint32_t length);
void give_with(uint8_t flags, uint32_t sequence, uint32_t acknowledgement, uint32_t window, uint32_t length,
               const uint8_t *options, uint32_t options_length);
struct seen next_segment(void);
// The next segment is exactly this one; `flags` 0: none was sent.
#define EXPECT(flags_, sequence_, acknowledgement_, length_)                                                                     \
    do {                                                                                                                         \
        struct seen seen_ = next_segment();                                                                                      \
        if (seen_.flags != (flags_) || seen_.sequence != (uint32_t)(sequence_) ||                                                \
            seen_.acknowledgement != (uint32_t)(acknowledgement_) || seen_.length != (uint32_t)(length_)) {                      \
            fprintf(stderr, "%s:%d: in %s: flags %x seq %u ack %u length %u instead of %x %u %u %u\n", __FILE__, __LINE__,       \
                    script.name, seen_.flags, seen_.sequence, seen_.acknowledgement, seen_.length, (unsigned)(flags_),           \
                    (unsigned)(sequence_), (unsigned)(acknowledgement_), (unsigned)(length_));                                   \
            script_show();                                                                                                       \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)
#define EXPECT_NOTHING() CHECK(script.count == 0)

// A listening socket; a connection that the peer opened, without options but MSS 1000; one that we opened.
void do_listen(void);
void do_accept(void);
void do_accept_with(const uint8_t *options, uint32_t options_length);
void do_connect(void);
void do_write(uint32_t length);
uint32_t do_read(void); // bytes
enum tcp_state state_of(struct socket *socket);
