// The server `counter` of docs/write-a-server.md: wiring only. It finds its capabilities by name, opens its
// state, and serves.
#include "kernel/abi/capability.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"
#include "servers/example/state.h"

int server_main(const struct startup *startup);

static error_t dispatch(struct request *request) {
    return counter_dispatch(&counter_ops, request);
}

static error_t open_state(void) {
    cap_t memory = startup_capability("state");
    uint64_t length, address;
    error_t error = memory_information(memory, &length, NULL, NULL);
    if (error == ERR_OK)
        error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    return error != ERR_OK ? error : counter_open((void *)(uintptr_t)address, length);
}

int server_main(const struct startup *startup) {
    (void)startup; // read through libipc/start
    counter.server.endpoint = startup_capability("endpoint");
    counter.server.notification = startup_capability("notification");
    counter.server.dispatch = dispatch;
    if (open_state() != ERR_OK)
        return 1;
    return server_run(&counter.server) == ERR_OK ? 0 : 1;
}
