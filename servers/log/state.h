// What the log keeps, and where it comes from.
#pragma once

#include "libipc/protocols/log_server.h"
#include "libipc/server/server.h"
#include "libipc/transfer/byte_ring.h"
#include "servers/framework/poll_list.h"
#include "servers/log/store.h"

enum { SOURCES_MAX = 62 }; // one bit of the notification each

struct log_source {
    uint8_t name[16];
    struct ring ring;
    bool is_used;
};

struct log_state {
    struct server server;
    struct log_store store;
    uint64_t kernel_sequence; // of the next record of the kernel's ring
    struct log_source sources[SOURCES_MAX];
    struct poll_list waiters;
};

extern struct log_state log_state;

// source.c: takes what there is from the kernel's ring and all others; tells those who wait.
void log_gather(void);
// Does so again every second, since the kernel signals nobody.
void log_gather_later(void);
extern const struct log_ops log_server_ops;
// handover.c: to another build, and from it.
MUST_USE error_t log_give(struct handover *handover);
MUST_USE error_t log_take(struct handover *handover);
