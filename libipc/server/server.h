// A server's loop: one thread, one endpoint, one notification bound to it. Each request is dispatched on a
// fiber; one that finishes without waiting is answered by the same kernel entry that fetches the next.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/server/fiber.h"
#include "libipc/server/request.h"

enum { SERVER_BITS = 64, SERVER_STACK_BYTES = 16 * 1024, SERVER_FIBERS = 4 };

struct server {
    // Filled in by the server before server_run; everything may be 0 but endpoint and dispatch.
    cap_t endpoint;       // with the receive right, and minting for session_create
    cap_t notification;   // bound to the endpoint by server_run; 0: none
    cap_t account;        // pays for fibers' stacks and call objects; 0: SLOT_ACCOUNT
    uint64_t stack_bytes; // of a fiber; 0: SERVER_STACK_BYTES
    uint32_t fiber_limit; // most fibers at once; 0: as many as memory allows, up to FIBER_MAX
    uint32_t fibers;      // made by server_run, every page of their stacks there; 0: SERVER_FIBERS
    error_t (*dispatch)(struct request *request); // usually NAME_dispatch, chosen by request_protocol
    void (*session_closed)(uint64_t badge); // no capability to it is left; runs on a fiber; then acknowledged
    error_t (*event)(struct request *request); // a keeper's or pager's events (kernel/abi/message.h)
    error_t (*stack_create)(uint64_t bytes,
                            void **low); // memory with a guard page below; NULL: server_stack_create

    struct {
        void (*handler)(void *argument, uint32_t bit);
        void *argument;
    } bits[SERVER_BITS]; // see server_on_bit
    bool stopping;
};

// Calls `handler` from the loop's own context (it must not wait; it wakes or starts fibers) when `bit` of the
// server's notification is set. A new actor finds all bits set: a wake-up is a hint, the truth is elsewhere.
void server_on_bit(struct server *server, uint32_t bit, void (*handler)(void *argument, uint32_t bit),
                   void *argument);

// Serves until server_stop. Returns why it ended: ERR_OK, or what the kernel said to waiting at the endpoint.
MUST_USE error_t server_run(struct server *server);

// Ends server_run after the requests that are ready now; those that wait are abandoned.
void server_stop(struct server *server);

// A session with this badge, as a capability to hand out (`moves`): charged to the caller of the request
// being served.
MUST_USE error_t server_create_session(struct server *server, uint64_t badge, cap_t *session);

// The default for stack_create: anonymous memory of the server's account.
MUST_USE error_t server_stack_create(uint64_t bytes, void **low);
