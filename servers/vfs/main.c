// The server vfs: wiring. The first file system is mounted before the loop begins: nothing could be served
// without it.
#include "libc/internal/heap.h"
#include "libipc/start/start.h"
#include "servers/vfs/dispatch.h"

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    struct server *server = &vfs.server;
    heap_fill();
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = vfs_server_dispatch;
    server->session_closed = vfs_server_session_closed;
    server_hands_over(server, NULL, vfs_give, vfs_take);
    if (server_takes_over(server, startup))
        vfs_server_prepare();
    else if (vfs_server_begin() != ERR_OK)
        return 1;
    return server_run(server) == ERR_OK ? 0 : 1;
}
