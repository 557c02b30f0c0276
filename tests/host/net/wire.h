// Two stacks on one wire, in virtual time, with a seeded impairment between: frames are lost, delayed,
// reordered, duplicated and damaged. One seed gives one order of events. For the tests of servers/net/stack.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: seed %llu: %s\n", __FILE__, __LINE__, (unsigned long long)wire.seed, #condition);            \
            wire_show();                                                                                                         \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

struct impairment {
    uint32_t loss, duplicate, corrupt; // of 10,000 frames
    uint64_t delay, jitter;            // nanoseconds
    uint64_t bytes_per_second;         // 0: no limit
    uint32_t queue;                    // frames that may wait for the rate; 0: any number
};

// Bytes that the links read by themselves, as a card would: in the frame they are what they are when it is sent, and the link
// makes the sum.
struct wire_file {
    struct stack_file file; // first
    uint8_t *bytes;
};

struct flying {
    struct flying *next;
    uint64_t at;
    int to;
    uint32_t length;
    uint8_t bytes[];
};

struct wire {
    uint64_t seed, now, random;
    struct stack *stacks[2];
    struct interface *interfaces[2];
    struct impairment impairment;
    struct flying *first;
    uint64_t free_at[2];
    uint64_t frames, lost;
    void (*seen)(int from, const uint8_t *frame, uint32_t length); // each frame as it was sent
    bool (*drop)(int from, const uint8_t *frame, uint32_t length); // true: this one is lost
    uint64_t files;                                                // that are there
};

extern struct wire wire;

void wire_show(void); // connections and counters, for a failure's report

uint32_t wire_random(uint32_t below);
// Fresh stacks with 10.0.0.1/24 and 10.0.0.2/24, fd00::1/64 and fd00::2/64.
void wire_start(uint64_t seed);
void wire_finish(void);
// The next event; false: nothing will happen any more, or it would be after `until`.
bool wire_step(uint64_t until);
void wire_run(uint64_t nanoseconds);
struct address wire_address(int side, bool v6);
// Room for `length` bytes, with one reference for the caller; the side's link reads them.
struct wire_file *wire_file_make(int side, uint32_t length);
// The links read files, and make sums, from now on.
void wire_read_files(void);
// The functions for files, to a stack that was just initialized.
void wire_set_file_functions(struct stack *stack);
// The side's stack goes on as another one, which knows nothing but records (wire_handover.c); the sockets that somebody holds
// (or NULL) become those of the new one.
void wire_hand_over(int side, struct socket **sockets[], uint32_t count);
