// The server log: wiring.
#include "libipc/start/start.h"
#include "servers/log/state.h"

int server_main(const struct startup *startup);

struct log_state log_state;

static error_t dispatch(struct request *request) {
    return request_protocol(request) == PROTOCOL_LOG ? log_dispatch(&log_server_ops, request) : ERR_BAD_METHOD;
}

// After a restart all bits are set, also those of nobody.
static void source_signalled(void *argument, uint32_t bit) {
    (void)argument;
    if (log_state.sources[bit].is_used)
        log_gather();
}

int server_main(const struct startup *startup) {
    struct server *server = &log_state.server;
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    for (uint32_t bit = 0; bit < SOURCES_MAX; bit++)
        server_on_bit(server, bit, source_signalled, NULL);
    server_hands_over(server, NULL, log_give, log_take);
    if (!server_takes_over(server, startup))
        log_gather();
    log_gather_later();
    return server_run(server) == ERR_OK ? 0 : 1;
}
