// A pipe: bytes in a ring between two sessions. Reads and writes that must wait are put aside in the order in
// which they came, and answered when the other side moves. Invariants: readers wait only while the ring is
// empty, writers only while there is no room for what they are next to write; never both.
#pragma once

#include "servers/framework/poll_list.h"
#include "servers/vfs/state.h"

enum { PIPE_BYTES = 65536, PIPE_ATOMIC = 4096, PIPES_MAX = 1024, PIPE_WAITERS_MAX = 256 };

struct pipe_waiter {
    struct deferred deferred; // first: a cancelled one is found by it
    struct pipe_waiter *next;
    struct pipe *pipe;
    uint64_t length, done; // bytes asked for, bytes moved
    bool is_writer;
};

struct pipe_queue {
    struct pipe_waiter *first, *last;
    uint32_t count;
};

struct pipe_end {
    struct session session;
    struct pipe *pipe; // NULL: gone
    uint64_t flags;    // enum file_flag
    bool is_writer;
    bool is_open;
    bool first_is_used;
    uint64_t freed_in; // kept_commits() when `first` became free
    struct poll_list polls;
    struct pipe_waiter first; // for one that waits here
};

// A write that was taken by an actor before and comes again, with what of it is in the pipe already.
struct pipe_interrupted {
    struct pipe_interrupted *next;
    uint64_t thread, count, done;
};

struct pipe {
    struct pipe_end reader, writer;
    unsigned char *bytes; // PIPE_BYTES, there while the pipe holds something
    uint32_t start, count;
    uint64_t inode;
    int64_t changed;
    struct pipe_queue readers, writers;
    struct pipe_interrupted *interrupted;
};
