// One TCP/IP stack: all its state. It does no I/O and knows no time of its own: frames come in by
// interface_input, go out by an interface's link, and `now` is set before each call. One thread. All memory
// beside the tables here is taken by stack_allocate and counted; the caller's allocator is below it.
#pragma once

#include "servers/net/stack/admission.h"
#include "servers/net/stack/interface.h"
#include "servers/net/stack/neighbour.h"
#include "servers/net/stack/ring_buffer.h"
#include "servers/net/stack/route.h"
#include "servers/net/stack/siphash.h"
#include "servers/net/stack/statistics.h"
#include "servers/net/stack/timer_heap.h"

enum {
    BOUND_BUCKETS = 256,
    CONNECTION_BUCKETS = 2048,
    REASSEMBLIES_MAX = 16,
    LOOPBACK_FRAMES_MAX = 64,
    STACK_SPARES = 8,
};

#define NANOSECONDS_PER_SECOND      UINT64_C(1000000000)
#define NANOSECONDS_PER_MILLISECOND UINT64_C(1000000)

struct socket;
struct tcp;
struct reassembly;
struct loopback_frame;
struct stack_file;

struct stack {
    uint64_t now; // nanoseconds, monotonic; set by the caller before each call
    struct timer_heap timers;
    uint64_t random_state;
    struct siphash_key key; // of this boot: sequence numbers, cookies, ports, buckets
    uint64_t memory_used, memory_limit;

    struct interface interfaces[INTERFACES_MAX];
    struct route routes[ROUTES_MAX];
    struct path paths[PATHS_MAX];
    uint32_t routes_end, paths_end; // behind them nothing is used
    struct neighbour neighbours[NEIGHBOURS_MAX];
    struct reassembly *reassemblies[REASSEMBLIES_MAX];
    uint64_t reassembly_bytes;
    struct stack_timer reassembly_timer;
    struct admission admission;
    struct loopback_frame *loopback_first, *loopback_last;
    uint32_t loopback_count;

    struct socket *bound[BOUND_BUCKETS];          // every socket with a local port, by port
    struct socket *raw;                           // raw and packet sockets
    struct tcp *connections[CONNECTION_BUCKETS];  // by both ends
    struct tcp *time_wait_first, *time_wait_last; // oldest first
    uint32_t time_wait_count, half_open_count;
    uint32_t identification;                      // of IPv4 packets
    uint64_t icmp_tokens_at, challenge_tokens_at; // rates of answers; see stack_take_token
    uint32_t icmp_tokens, challenge_tokens;
    uint64_t cookie_at;   // when a SYN was last answered by a cookie; 0: never
    uint64_t rto_minimum; // nanoseconds
    bool sums_checked;    // the link has found the sums of the frame that is taken in to be right
    bool newreno;         // instead of CUBIC
    bool forced_cookies;  // each SYN is answered by a cookie; for tests
    struct stack_statistics statistics;
    uint64_t queues_full; // how often a datagram found its socket full: its reader needs time
    // Memory of streams that is kept for the next ones: while bytes come and go, buffers would be made and given back all the
    // time.
    struct ring_buffer spares[STACK_SPARES];
    // Files whose bytes are sent (send_queue.h). `file_read` copies some of them, wherever they lie; `file_free`: nothing names
    // it any more, frames that the card has not sent yet aside.
    void (*file_read)(const struct stack_file *file, uint32_t offset, uint8_t *to, uint32_t length);
    void (*file_free)(struct stack_file *file);
    // Where the stack's memory is kept (docs/recovery.md): the commits so far, and a memcpy to memory that need not be noted.
    uint64_t commits;
    void *(*copy_unnoted)(void *restrict to, const void *restrict from, uint64_t bytes); // NULL: memcpy
};

// `random`: 32 bytes that nobody can guess. The stack begins with the interface `lo` alone. `memory_limit` in
// bytes. ERR_NO_MEMORY.
MUST_USE error_t stack_initialize(struct stack *stack, const uint8_t *random, uint64_t memory_limit, uint64_t now);
// Frees all; for tests. Sockets must be closed before.
void stack_finish(struct stack *stack);

// Runs timers that are due at stack->now, and what waits in the loopback.
void stack_run(struct stack *stack);
// When stack_run is to be called next, nanoseconds; 0: no timer is armed.
uint64_t stack_next_time(const struct stack *stack);

// Zeroed memory within the limit; NULL.
void *stack_allocate(struct stack *stack, uint64_t bytes);
void *stack_allocate_unset(struct stack *stack, uint64_t bytes); // not zeroed
void stack_free(struct stack *stack, void *memory, uint64_t bytes);

uint32_t stack_random(struct stack *stack);
// One of at most `rate` permissions for each second.
bool stack_take_token(struct stack *stack, uint64_t *at, uint32_t *tokens, uint32_t rate);
