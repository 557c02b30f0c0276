// The server net: wiring, and the clock of the stack. See README.md.
#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libc/internal/heap.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/terminal.h"
#include "libipc/start/start.h"
#include "servers/net/handover.h"

#define STACK_MEMORY (UINT64_C(24) << 20)
#define RETRY        (20 * NANOSECONDS_PER_MILLISECOND) // of requests that wait for what may not be told
enum { LOOPBACK_ROUNDS = 8 };

struct net net;

int server_main(const struct startup *startup);

void net_begin(void) {
    net.stack.now = clock_monotonic();
    net.stack.commits = kept_commits();
}

static void look_at_all(void) {
    for (uint32_t i = 0; i < net.sessions.used; i++) {
        struct session *session = net.sessions.entries != NULL ? net.sessions.entries[i].object : NULL;
        if (session != NULL && session->first != NULL)
            session_note(session);
    }
}

// There may be room to send frames again: who waits for it tries again.
static void senders_look(void) {
    if (!net.senders_wait)
        return;
    net.senders_wait = false;
    look_at_all();
}

// Over loopback there is room again when this returns.
static void run_stack(void) {
    bool looped = net.stack.loopback_count != 0;
    stack_run(&net.stack);
    if (looped)
        senders_look();
    sessions_settle();
}

// The next time that anything is due; 0: nothing.
static uint64_t next_time(void) {
    uint64_t next = stack_next_time(&net.stack);
    if (net.detached || net.senders_wait) {
        uint64_t again = net.stack.now + RETRY;
        next = next == 0 || again < next ? again : next;
    }
    return next;
}

static void timer_expired(struct timer *timer) {
    (void)timer;
    net_begin();
    senders_look();
    net_end();
}

void net_end(void) {
    if (net.senders_wait && links_have_room())
        senders_look();
    if (net.detached)
        look_at_all();
    net.detached = false;
    run_stack();
    for (uint32_t i = 0; i < LOOPBACK_ROUNDS && net.stack.loopback_count != 0; i++)
        run_stack();
    links_flush();
    if (net.senders_wait)
        links_watch();
    uint64_t next = next_time();
    if (next == net.timer_at && net.timer.armed)
        return;
    net.timer_at = next;
    if (next != 0)
        timer_set(&net.timer, next, timer_expired);
    else
        timer_clear(&net.timer);
}

static error_t dispatch_session(struct request *request) {
    switch (request_protocol(request)) {
    case PROTOCOL_FILE:
        return file_dispatch(&net_file_ops, request);
    case PROTOCOL_SOCKET:
        return socket_dispatch(&net_socket_ops, request);
    case PROTOCOL_TERMINAL:
        return ERR_NOT_TERMINAL;
    default:
        return ERR_BAD_METHOD;
    }
}

static error_t dispatch(struct request *request) {
    error_t error = ERR_STALE;
    net_begin();
    if ((request->badge >> 63) != 0) // a session of the manifest
        error = request_protocol(request) == PROTOCOL_NET ? net_dispatch(&net_net_ops, request) : ERR_BAD_METHOD;
    else if (session_find(request->badge) != NULL)
        error = dispatch_session(request);
    net_end();
    return error;
}

// A new actor in the memory of the one before: what it was about to show to drivers is shown again, and
// requests that wait come again one by one.
static void resumed(void) {
    net.detached = true;
    links_resumed();
    net_begin();
    net_end();
}

// The first thing that the loop does; fibers need it.
static void start(void *argument, uint32_t bit) {
    (void)argument;
    (void)bit;
    files_give_back(); // what another build had lent
    if (net.started)
        return;
    net.started = true;
    links_start();
}

static error_t start_stack(void) {
    uint64_t random[6];
    cap_t memory;
    void *address;
    error_t error = kernel_random(SLOT_KERNEL, &random[0], &random[1], &random[2], &random[3], &random[4], &random[5]);
    uint64_t bytes = DATAGRAM_MOST + (FRAME_LARGEST + NIC_PAGE_BYTES - 1) / NIC_PAGE_BYTES * NIC_PAGE_BYTES;
    if (error == ERR_OK)
        error = account_create_memory(SLOT_ACCOUNT, bytes, &memory);
    if (error == ERR_OK)
        error = driver_map(memory, bytes, &address);
    if (error != ERR_OK)
        return error;
    slot_release(memory); // the mapping keeps it
    net.scratch = address;
    net.frame = net.scratch + DATAGRAM_MOST;
    error = stack_initialize(&net.stack, (const uint8_t *)random, STACK_MEMORY, clock_monotonic());
    files_start();
    if (kept_active())
        net.stack.copy_unnoted = kept_copy_unnoted;
    return error;
}

// Nothing is claimed of an actor whose memory was given up: its sessions of cards end, so that a new one can begin.
static bool claims_nothing(cap_t slot) {
    (void)slot;
    return false;
}

int server_main(const struct startup *startup) {
    struct server *server = &net.server;
    report_set_name(startup->name);
    server->fibers = 2;
    heap_fill();
    server_hands_over(server, NULL, net_give, net_take);
    net.started = server_takes_over(server, startup);
    if (!net.started && startup->is_restart != 0)
        driver_reconcile(claims_nothing);
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    server->session_closed = session_closed;
    server->resumed = resumed;
    error_t error = start_stack();
    if (error != ERR_OK) {
        report_failure("the network can't start", error);
        return 1;
    }
    if (!net.started)
        config_start(startup->is_restart != 0);
    server_on_bit(server, BIT_START, start, NULL);
    error = notification_signal(server->notification, UINT64_C(1) << BIT_START);
    if (error != ERR_OK)
        return 1;
    return server_run(server) == ERR_OK ? 0 : 1;
}
