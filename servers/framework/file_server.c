// Dispatch and the loop's hooks. See file_server.h. Sessions whose badge has its top bit set come from the
// manifest; they are the server as a whole. All others are in the table.
#include "servers/framework/file_server.h"

#include <stdlib.h>

#include "libc/internal/heap.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/terminal.h"
#include "libipc/start/start.h"
#include "servers/framework/dispatch.h"
#include "servers/framework/session.h"

static bool badge_is_of_manifest(uint64_t badge) {
    return badge >> 63 != 0;
}

// vfs's own methods.
static bool is_for_vfs(uint32_t method) {
    return method == METHOD_DIRECTORY_WALK || method == METHOD_DIRECTORY_ADOPT || method == METHOD_DIRECTORY_COVER ||
           method == METHOD_DIRECTORY_DIRECT;
}

static error_t dispatch_session(struct session *session, struct request *request) {
    if (session->tree == NULL || session->is_ended)
        return ERR_STALE;
    if (session->is_direct && is_for_vfs(tag_method(request->tag)))
        return ERR_NOT_PERMITTED;
    switch (request_protocol(request)) {
    case PROTOCOL_FILE:
        return session->kind == SESSION_FILE ? file_dispatch(&tree_file_ops, request) : ERR_BAD_METHOD;
    case PROTOCOL_DIRECTORY:
        return session->kind == SESSION_DIRECTORY ? directory_dispatch(&tree_directory_ops, request) : ERR_BAD_METHOD;
    case PROTOCOL_TERMINAL:
        return ERR_NOT_TERMINAL;
    default:
        return ERR_BAD_METHOD;
    }
}

static void activate(struct file_server *server) {
    KEPT_SET(file_server_active, server);
}

error_t file_server_dispatch(struct file_server *server, struct request *request) {
    activate(server);
    if (badge_is_of_manifest(request->badge)) {
        if (request_protocol(request) == PROTOCOL_FILESYSTEM)
            return filesystem_dispatch(&tree_filesystem_ops, request);
        return server->dispatch_control != NULL ? server->dispatch_control(request) : ERR_BAD_METHOD;
    }
    struct session *session = session_table_find(&server->sessions, request->badge);
    if (session == NULL || session->kind == SESSION_LOAN)
        return ERR_STALE;
    error_t error = dispatch_session(session, request);
    activate(server);
    if (__builtin_expect(session->is_closed || session->is_ended, 0))
        session_leave(session);
    return error;
}

void file_server_session_closed(struct file_server *server, uint64_t badge) {
    activate(server);
    struct session *session = session_table_find(&server->sessions, badge);
    if (session != NULL)
        session_close(session);
}

static struct file_server *running;

static error_t loop_dispatch(struct request *request) {
    return file_server_dispatch(running, request);
}

static void loop_session_closed(uint64_t badge) {
    file_server_session_closed(running, badge);
}

error_t file_server_prepare(struct file_server *server, const struct startup *startup) {
    running = file_server_active = server;
    heap_fill();
    server->server.endpoint = startup_capability("endpoint");
    server->server.notification = startup_capability("notification");
    server->server.dispatch = loop_dispatch;
    server->server.session_closed = loop_session_closed;
    server_hands_over(&server->server, file_server_prepare_handover, file_server_give, file_server_take);
    bool ignored = server_takes_over(&server->server, startup);
    (void)ignored;
    return server->server.endpoint != 0 ? ERR_OK : ERR_BAD_CAPABILITY;
}

error_t file_server_run(struct file_server *server) {
    return server_run(&server->server);
}
