// One client's connection: reads requests, answers one after the other, never blocks. The loop in main.c
// tells it when its socket is ready. Invariant: while an answer is being sent, `out` and then the file's
// range are what is left of it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "programs/common/buffer.h"
#include "programs/httpd/request.h"

enum connection_state {
    CONNECTION_READS,  // waits for a request
    CONNECTION_WRITES, // an answer is on its way
    CONNECTION_DRAINS, // the last answer is out; what the client still sends is thrown away, so that it gets
                       // to see it
    CONNECTION_ENDS,   // to be closed
};

struct connection {
    int socket;
    enum connection_state state;
    int64_t deadline; // milliseconds of the monotonic clock
    struct buffer in, out;
    size_t out_sent;
    int file; // -1: none
    uint64_t file_at, file_left;
    struct parts {
        struct range ranges[RANGES_MOST];
        unsigned count, next; // count 0: the answer has no parts
        uint64_t size;        // of the file
        const char *type;
        char boundary[40];
    } parts;
    uint64_t body_left; // of the request, to be skipped
    bool keep_alive;
    unsigned requests;
};

// What the server did since its start; for /status.
struct server_counts {
    uint64_t requests, connections, bytes;
    unsigned open;
};

struct server {
    const char *directory;
    bool verbose;
    struct server_counts counts;
    uint64_t turn; // how often poll found something
};
extern struct server server;

int64_t now_ms(void);

void connection_init(struct connection *connection, int socket);
void connection_free(struct connection *connection);

// Goes on as far as it can without blocking.
void connection_work(struct connection *connection, bool readable);

// Whether it waits to write rather than to read.
bool connection_wants_to_write(const struct connection *connection);

// Its deadline has passed.
void connection_expire(struct connection *connection);
