// The protocol `vfs`: mounts, by the session that may, and pipes, by any.
#include <stdlib.h>
#include <string.h>

#include "libipc/include/startup.h"
#include "libipc/protocols/filesystem.h"
#include "servers/vfs/state.h"

enum { WHAT_BYTES = 16 * 1024, WHAT_PARTS = 4, SERVERS_MAX = 16 };

static bool may_mount(const struct request *request) {
    return request->badge == startup_badge("mount");
}

static error_t handle_mount(struct request *request, const struct vfs_mount_in *in, struct vfs_mount_out *out) {
    (void)out;
    const char *parts[WHAT_PARTS] = {"", "", "", ""};
    uint64_t known = MOUNT_FLAG_READ_ONLY | MOUNT_FLAG_NO_EXECUTE | MOUNT_FLAG_NO_DEVICE | MOUNT_FLAG_SYNCHRONOUS;
    if (!may_mount(request))
        return ERR_NOT_PERMITTED;
    if (in->what_size > WHAT_BYTES || (in->flags & ~known) != 0)
        return ERR_INVALID;
    char *what = calloc(1, in->what_size + 1);
    if (what == NULL)
        return ERR_NO_MEMORY;
    error_t error = request_copy_in(request, 0, what, in->what_size);
    size_t at = 0;
    for (unsigned i = 0; error == ERR_OK && i < WHAT_PARTS && at <= in->what_size; i++) {
        parts[i] = what + at;
        at += strlen(what + at) + 1;
    }
    if (error == ERR_OK)
        error = mount_make(parts[0], parts[1], parts[2], parts[3], in->flags);
    free(what);
    return error;
}

static error_t handle_unmount(struct request *request, const struct vfs_unmount_in *in, struct vfs_unmount_out *out) {
    (void)out;
    if (!may_mount(request))
        return ERR_NOT_PERMITTED;
    if (in->flags != 0)
        return ERR_INVALID;
    struct path_text target;
    error_t error = path_text_copy_in(&target, request, 0);
    if (error == ERR_OK)
        error = target.length != 0 ? mount_end(target.text, target.length) : ERR_NOT_FOUND;
    path_text_free(&target);
    return error;
}

static error_t handle_next_mount(struct request *request, const struct vfs_next_mount_in *in, struct vfs_next_mount_out *out) {
    (void)request;
    const struct mount *mount = vfs.mounts;
    while (mount != NULL && (mount->number <= in->cursor || mount->top != vfs.root.mount))
        mount = mount->next;
    if (mount == NULL)
        return ERR_NOT_FOUND;
    out->cursor = mount->number;
    out->status.flags = mount->flags;
    memcpy(out->status.type, mount->type, sizeof(out->status.type));
    memcpy(out->status.source, mount->source, sizeof(mount->source));
    memcpy(out->status.target, mount->name, mount->name_length);
    return ERR_OK;
}

// Each file server once. The list is copied first: mounts may come and go while the servers write.
static error_t handle_sync_all(struct request *request, const struct vfs_sync_all_in *in, struct vfs_sync_all_out *out) {
    (void)request;
    (void)in;
    (void)out;
    cap_t servers[SERVERS_MAX];
    unsigned count = 0;
    for (const struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next) {
        unsigned i = 0;
        while (i < count && servers[i] != mount->filesystem)
            i++;
        if (i == count && count < SERVERS_MAX)
            servers[count++] = mount->filesystem;
    }
    error_t result = ERR_OK;
    for (unsigned i = 0; i < count; i++) {
        error_t error = filesystem_sync(servers[i]);
        if (result == ERR_OK)
            result = error;
    }
    return result;
}

static error_t handle_pipe(struct request *request, const struct vfs_pipe_in *in, struct vfs_pipe_out *out) {
    (void)request;
    if ((in->flags & ~(uint64_t)FILE_FLAG_NON_BLOCKING) != 0)
        return ERR_INVALID;
    return pipe_make(in->flags, &out->reader, &out->writer);
}

const struct vfs_ops vfs_vfs_ops = {.mount = handle_mount,
                                    .unmount = handle_unmount,
                                    .next_mount = handle_next_mount,
                                    .sync_all = handle_sync_all,
                                    .pipe = handle_pipe};
