// A program that is put in the place of a server and can't do its work: it starts, is asked to take up what
// the server before knew, and dies of it.
#include "libipc/server/handover.h"
#include "libipc/server/server.h"
#include "libipc/start/start.h"

int server_main(const struct startup *startup);

static struct server server;

static error_t dispatch(struct request *request) {
    (void)request;
    return ERR_BAD_METHOD;
}

static error_t give(struct handover *handover) {
    (void)handover;
    return ERR_NOT_SUPPORTED;
}

static error_t take(struct handover *handover) {
    (void)handover;
    __builtin_trap();
}

int server_main(const struct startup *startup) {
    server.endpoint = startup_capability("endpoint");
    server.notification = startup_capability("notification");
    server.dispatch = dispatch;
    server_hands_over(&server, NULL, give, take);
    if (!server_takes_over(&server, startup))
        return 1;
    return server_run(&server) == ERR_OK ? 0 : 1;
}
