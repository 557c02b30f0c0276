// See dispatch.h. A directory that a request uses is held until its handler ends.
#include "servers/vfs/dispatch.h"

#include "libipc/protocols/terminal.h"

struct vfs vfs;

static error_t dispatch_directory(struct directory *directory, struct request *request) {
    error_t error = ERR_BAD_METHOD;
    directory_hold(directory);
    if (request_protocol(request) == PROTOCOL_DIRECTORY)
        error = directory_dispatch(&vfs_directory_ops, request);
    else if (request_protocol(request) == PROTOCOL_VFS)
        error = vfs_dispatch(&vfs_vfs_ops, request);
    directory_drop(directory);
    return error;
}

error_t vfs_server_dispatch(struct request *request) {
    struct directory *directory = directory_of(request);
    if (directory != NULL)
        return dispatch_directory(directory, request);
    if (session_find(request->badge) == NULL)
        return ERR_STALE;
    if (request_protocol(request) == PROTOCOL_FILE)
        return file_dispatch(&pipe_file_ops, request);
    return request_protocol(request) == PROTOCOL_TERMINAL ? ERR_NOT_TERMINAL : ERR_BAD_METHOD;
}

void vfs_server_session_closed(uint64_t badge) {
    struct session *session = session_find(badge);
    if (session == NULL)
        return;
    if (session->kind == SESSION_PIPE) {
        pipe_end_closed((struct pipe_end *)session);
        return;
    }
    session_remove(session);
    directory_drop((struct directory *)session);
}

void vfs_server_prepare(void) {
    static char slash[] = "/";
    vfs.root = (struct directory){.references = 1, .root = &vfs.root, .name = slash, .name_length = 1};
}

error_t vfs_server_begin(void) {
    vfs_server_prepare();
    return mount_make("initrdfs", "initrd", "/", "", MOUNT_FLAG_READ_ONLY);
}
