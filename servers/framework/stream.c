// See stream.h. Badges of opened files: STREAM_BADGE, the unit, a number that is never used twice.
#include "servers/framework/stream.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "servers/framework/refusals.h"

#define STREAM_BADGE   (UINT64_C(1) << 56)
#define MANIFEST_BADGE (UINT64_C(1) << 63)

enum { UNIT_SHIFT = 40, STREAM_MODE = 0620, BLOCK_BYTES = 4096 };

static struct stream_file *file_add(struct stream_server *streams, uint64_t badge, uint32_t unit) {
    for (uint32_t i = 0; i < STREAM_FILES_MAX; i++) {
        struct stream_file *file = &streams->files[i];
        if (file->badge != 0)
            continue;
        *file = (struct stream_file){.badge = badge, .unit = unit};
        return file;
    }
    return NULL;
}

void stream_server_start(struct stream_server *streams, bool is_sound) {
    if (!is_sound)
        *streams = (struct stream_server){0};
}

bool stream_claims(const struct stream_server *streams, cap_t slot) {
    for (uint32_t i = 0; i < STREAM_WATCHES_MAX; i++)
        if (streams->watches[i].notification == slot)
            return true;
    return false;
}

struct stream_file *stream_file_find(struct stream_server *streams, uint64_t badge) {
    for (uint32_t i = 0; i < STREAM_FILES_MAX; i++)
        if (streams->files[i].badge == badge)
            return badge == 0 ? NULL : &streams->files[i];
    return (badge & MANIFEST_BADGE) != 0 ? file_add(streams, badge, streams->unit_of(badge)) : NULL;
}

error_t stream_open(struct stream_server *streams, struct request *request, const struct directory_open_in *in,
                    struct directory_open_out *out) {
    const struct stream_file *from = stream_file_find(streams, request->badge);
    if (from == NULL)
        return ERR_STALE;
    if (in->start < in->path_size || (in->flags & OPEN_FLAG_DIRECTORY) != 0)
        return ERR_NOT_DIRECTORY;
    if ((in->flags & OPEN_FLAG_EXCLUSIVE) != 0)
        return ERR_EXISTS;
    uint64_t badge = STREAM_BADGE | (uint64_t)from->unit << UNIT_SHIFT | ++streams->last_badge;
    struct stream_file *file = file_add(streams, badge, from->unit);
    if (file == NULL)
        return ERR_NO_MEMORY;
    if ((in->flags & OPEN_FLAG_NON_BLOCKING) != 0)
        file->flags |= FILE_FLAG_NON_BLOCKING;
    error_t error = server_create_session(streams->server, badge, &out->file);
    if (error != ERR_OK) {
        file->badge = 0;
        return error;
    }
    out->kind = FILE_KIND_CHARACTER;
    return ERR_OK;
}

error_t stream_make(struct stream_server *streams, uint32_t unit, cap_t *session) {
    uint64_t badge = STREAM_BADGE | (uint64_t)unit << UNIT_SHIFT | ++streams->last_badge;
    struct stream_file *file = file_add(streams, badge, unit);
    if (file == NULL)
        return ERR_NO_MEMORY;
    error_t error = server_create_session(streams->server, badge, session);
    if (error != ERR_OK)
        file->badge = 0;
    return error;
}

bool stream_is_open(const struct stream_server *streams, uint32_t unit) {
    for (uint32_t i = 0; i < STREAM_FILES_MAX; i++)
        if (streams->files[i].badge != 0 && streams->files[i].unit == unit)
            return true;
    return false;
}

void stream_file_closed(struct stream_server *streams, uint64_t badge) {
    for (uint32_t i = 0; i < STREAM_FILES_MAX; i++)
        if (streams->files[i].badge == badge)
            streams->files[i].badge = 0;
}

static void watch_drop(struct stream_watch *watch) {
    slot_release(watch->notification);
    watch->notification = 0;
}

error_t stream_poll(struct stream_server *streams, struct request *request, const struct file_poll_in *in,
                    struct file_poll_out *out) {
    const struct stream_file *file = stream_file_find(streams, request->badge);
    if (file == NULL)
        return ERR_STALE;
    uint64_t interest = in->interest | READINESS_ERROR | READINESS_HANG_UP;
    out->ready = streams->readiness(file->unit) & interest;
    if (out->ready != 0 || in->notification == 0)
        return ERR_OK;
    for (uint32_t i = 0; i < STREAM_WATCHES_MAX; i++) {
        struct stream_watch *watch = &streams->watches[i];
        if (watch->notification != 0)
            continue;
        *watch = (struct stream_watch){.unit = file->unit, .bits = in->bits, .interest = interest};
        watch->notification = request_keep(request, in->notification);
        watch->ticket = out->ticket = ++streams->last_ticket;
        return ERR_OK;
    }
    return ERR_NO_MEMORY;
}

void stream_poll_end(struct stream_server *streams, uint64_t ticket) {
    for (uint32_t i = 0; i < STREAM_WATCHES_MAX; i++)
        if (streams->watches[i].notification != 0 && streams->watches[i].ticket == ticket)
            watch_drop(&streams->watches[i]);
}

error_t stream_get_flags(struct stream_server *streams, struct request *request, struct file_get_flags_out *out) {
    const struct stream_file *file = stream_file_find(streams, request->badge);
    if (file == NULL)
        return ERR_STALE;
    out->flags = file->flags;
    return ERR_OK;
}

error_t stream_set_flags(struct stream_server *streams, struct request *request, const struct file_set_flags_in *in) {
    struct stream_file *file = stream_file_find(streams, request->badge);
    if (file == NULL)
        return ERR_STALE;
    if (!file_flags_are_known(in->flags))
        return ERR_INVALID;
    file->flags = in->flags;
    return ERR_OK;
}

void stream_notify(struct stream_server *streams, uint32_t unit) {
    uint64_t ready = streams->readiness(unit);
    for (uint32_t i = 0; ready != 0 && i < STREAM_WATCHES_MAX; i++) {
        struct stream_watch *watch = &streams->watches[i];
        if (watch->notification == 0 || watch->unit != unit || (watch->interest & ready) == 0)
            continue;
        error_t ignored = notification_signal(watch->notification, watch->bits); // a client that is gone
        (void)ignored;
        watch_drop(watch);
    }
}

void stream_status(struct file_status *status, uint64_t represents) {
    *status = (struct file_status){.inode = represents, .represents = represents, .links = 1};
    status->block_size = BLOCK_BYTES;
    status->mode = STREAM_MODE;
    status->kind = FILE_KIND_CHARACTER;
}
