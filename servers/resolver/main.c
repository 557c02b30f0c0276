// The server resolver: wiring. See README.md.
#include "drivers/framework/driver.h"
#include "libipc/start/start.h"
#include "servers/resolver/state.h"

int server_main(const struct startup *startup);

struct server resolver_server;

static error_t dispatch(struct request *request) {
    return request_protocol(request) == PROTOCOL_RESOLVER ? resolver_dispatch(&resolver_methods, request) : ERR_BAD_METHOD;
}

// Sockets of the actor before: its questions come again.
static bool claims_nothing(cap_t slot) {
    (void)slot;
    return false;
}

int server_main(const struct startup *startup) {
    struct server *server = &resolver_server;
    if (startup->is_restart != 0)
        driver_reconcile(claims_nothing);
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    server->fiber_limit = FIBERS_MAX;
    return server_run(server) == ERR_OK ? 0 : 1;
}
