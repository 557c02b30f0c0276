// The protocol `file` over tree_ops. Reads and writes at the session's own offset take its lock, so that
// those who share an offset never read or overwrite the same bytes; others run side by side.
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "servers/framework/dispatch.h"
#include "servers/framework/path.h"
#include "servers/framework/session.h"

#define AT_OFFSET UINT64_MAX
enum { ENTRIES_BYTES = 16 * 1024, DATA_MAX = 1 << 20 };

static const struct tree_ops *file_tree_ops(const struct open_file *file) {
    return file->session.tree->ops;
}

static error_t handle_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    if ((file->access & OPEN_FLAG_READ) == 0)
        return ERR_RIGHTS;
    if (file->kind == FILE_KIND_DIRECTORY)
        return ERR_IS_DIRECTORY;
    if (in->position != AT_OFFSET && file->is_stream)
        return ERR_NOT_SEEKABLE;
    if (ops->read == NULL)
        return ERR_NOT_SUPPORTED;
    if (in->position != AT_OFFSET || file->is_stream)
        return in->position > INT64_MAX && !file->is_stream ? ERR_INVALID
                                                            : ops->read(file, request, in->position, in->data_size, &out->count);
    fiber_lock_exclusive(&file->offset_lock);
    error_t error = ops->read(file, request, file->offset, in->data_size, &out->count);
    if (error == ERR_OK)
        file->offset += out->count;
    fiber_unlock(&file->offset_lock);
    return error;
}

static error_t handle_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    bool append = (file->flags & FILE_FLAG_APPEND) != 0;
    uint64_t end;
    if ((file->access & OPEN_FLAG_WRITE) == 0)
        return ERR_RIGHTS;
    if (in->position != AT_OFFSET && file->is_stream)
        return ERR_NOT_SEEKABLE;
    if (ops->write == NULL)
        return ERR_READ_ONLY;
    if (in->position != AT_OFFSET || file->is_stream)
        return in->position > INT64_MAX && !file->is_stream
                   ? ERR_INVALID
                   : ops->write(file, request, in->position, append, in->data_size, &out->count, &end);
    fiber_lock_exclusive(&file->offset_lock);
    error_t error = ops->write(file, request, file->offset, append, in->data_size, &out->count, &end);
    if (error == ERR_OK)
        file->offset = end;
    fiber_unlock(&file->offset_lock);
    return error;
}

static error_t seek_base(struct open_file *file, uint64_t whence, uint64_t *base) {
    struct tree *tree = file->session.tree;
    struct file_status status;
    error_t error = ERR_OK;
    *base = whence == SEEK_WHENCE_CURRENT ? file->offset : 0;
    if (whence == SEEK_WHENCE_END) {
        error = tree->ops->status(tree, file->session.node, &status);
        *base = status.size;
    }
    return error;
}

// DATA and HOLE where the file server does not say: all is data, and behind it is a hole.
static error_t seek_data(struct open_file *file, int64_t offset, uint64_t whence, uint64_t *position) {
    struct tree *tree = file->session.tree;
    struct file_status status;
    error_t error = tree->ops->status(tree, file->session.node, &status);
    if (error != ERR_OK)
        return error;
    if (offset < 0 || (uint64_t)offset >= status.size)
        return ERR_NO_DEVICE_ADDRESS;
    if (tree->ops->seek != NULL)
        return tree->ops->seek(file, (uint64_t)offset, whence, position);
    *position = whence == SEEK_WHENCE_DATA ? (uint64_t)offset : status.size;
    return ERR_OK;
}

static error_t handle_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    struct open_file *file = request_file(request);
    uint64_t base = 0, position;
    error_t error = ERR_OK;
    if (file->is_stream)
        return ERR_NOT_SEEKABLE;
    if (in->whence > SEEK_WHENCE_HOLE)
        return ERR_INVALID;
    fiber_lock_exclusive(&file->offset_lock);
    if (in->whence == SEEK_WHENCE_DATA || in->whence == SEEK_WHENCE_HOLE) {
        error = seek_data(file, in->offset, in->whence, &position);
    } else {
        int64_t sum;
        error = seek_base(file, in->whence, &base);
        if (error == ERR_OK && (__builtin_add_overflow((int64_t)base, in->offset, &sum) || sum < 0))
            error = ERR_INVALID;
        position = error == ERR_OK ? (uint64_t)sum : 0;
    }
    if (error == ERR_OK)
        file->offset = out->position = position;
    fiber_unlock(&file->offset_lock);
    return error;
}

static error_t handle_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)in;
    struct open_file *file = request_file(request);
    struct tree *tree = file->session.tree;
    request->observes = true;
    error_t error = tree->ops->status(tree, file->session.node, &out->status);
    out->status.device = tree->device;
    return error;
}

static error_t handle_set_status(struct request *request, const struct file_set_status_in *in, struct file_set_status_out *out) {
    (void)out;
    struct open_file *file = request_file(request);
    if (tree_is_read_only(file->session.tree))
        return ERR_READ_ONLY;
    const struct tree_ops *ops = file_tree_ops(file);
    return ops->set_status != NULL ? ops->set_status(file->session.node, in->fields, &in->status) : ERR_NOT_PERMITTED;
}

static error_t handle_truncate(struct request *request, const struct file_truncate_in *in, struct file_truncate_out *out) {
    (void)out;
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    if (file->kind == FILE_KIND_DIRECTORY)
        return ERR_IS_DIRECTORY;
    if ((file->access & OPEN_FLAG_WRITE) == 0)
        return ERR_RIGHTS;
    if (file->kind != FILE_KIND_REGULAR)
        return ERR_INVALID;
    if (in->size > INT64_MAX)
        return ERR_FILE_TOO_LARGE;
    return ops->truncate != NULL ? ops->truncate(file->session.node, in->size) : ERR_READ_ONLY;
}

static error_t handle_sync(struct request *request, const struct file_sync_in *in, struct file_sync_out *out) {
    (void)out;
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    return ops->sync != NULL ? ops->sync(file->session.node, in->flags) : ERR_OK;
}

struct entries {
    unsigned char *bytes;
    size_t used, size;
    bool is_full;
};

static bool entry_add(void *context, const struct tree_entry *entry) {
    struct entries *entries = context;
    size_t length = (sizeof(struct directory_entry) + entry->length + 7) & ~(size_t)7;
    if (entry->length > PATH_NAME_MAX || length > entries->size - entries->used) {
        entries->is_full = true;
        return false;
    }
    unsigned char *at = entries->bytes + entries->used;
    struct directory_entry *head = (struct directory_entry *)(void *)at; // records are multiples of 8 bytes
    *(uint64_t *)(void *)(at + length - 8) = 0;                          // behind the name
    head->inode = entry->inode;
    head->cursor = entry->next;
    head->length = (uint16_t)length;
    head->kind = entry->kind;
    head->name_length = (uint8_t)entry->length;
    head->padding = 0;
    memcpy(at + sizeof(*head), entry->name, entry->length);
    entries->used += length;
    return true;
}

static error_t handle_read_directory(struct request *request, const struct file_read_directory_in *in,
                                     struct file_read_directory_out *out) {
    struct open_file *file = request_file(request);
    if (file->kind != FILE_KIND_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    struct entries entries = {.size = in->entries_size < ENTRIES_BYTES ? in->entries_size : ENTRIES_BYTES};
    entries.bytes = malloc(entries.size + 1);
    if (entries.bytes == NULL)
        return ERR_NO_MEMORY;
    out->cursor = in->cursor;
    error_t error = file_tree_ops(file)->list(file->session.node, &out->cursor, entry_add, &entries);
    if (error == ERR_OK && entries.used == 0 && entries.is_full)
        error = ERR_INVALID; // not even one fits
    if (error == ERR_OK)
        error = request_copy_out(request, 0, entries.bytes, entries.used);
    free(entries.bytes);
    out->count = entries.used;
    return error;
}

static error_t handle_get_flags(struct request *request, const struct file_get_flags_in *in, struct file_get_flags_out *out) {
    (void)in;
    out->flags = request_file(request)->flags;
    return ERR_OK;
}

static error_t handle_set_flags(struct request *request, const struct file_set_flags_in *in, struct file_set_flags_out *out) {
    (void)out;
    if ((in->flags & ~(uint64_t)(FILE_FLAG_APPEND | FILE_FLAG_NON_BLOCKING)) != 0)
        return ERR_INVALID;
    request_file(request)->flags = in->flags;
    return ERR_OK;
}

static error_t handle_poll(struct request *request, const struct file_poll_in *in, struct file_poll_out *out) {
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    uint64_t ready = ops->ready != NULL ? ops->ready(file) : READINESS_READ | READINESS_WRITE;
    out->ready = ready & (in->interest | READINESS_HANG_UP | READINESS_ERROR);
    if (out->ready != 0 || in->notification == 0)
        return ERR_OK;
    cap_t notification = request_keep(request, in->notification);
    return poll_list_add(&file->polls, notification, in->bits, in->interest, &out->ticket);
}

static error_t handle_poll_end(struct request *request, const struct file_poll_end_in *in, struct file_poll_end_out *out) {
    (void)out;
    poll_list_remove(&request_file(request)->polls, in->ticket);
    return ERR_OK;
}

static error_t handle_map(struct request *request, const struct file_map_in *in, struct file_map_out *out) {
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    bool shared_write = (in->flags & (FILE_MAP_FLAG_WRITE | FILE_MAP_FLAG_PRIVATE)) == FILE_MAP_FLAG_WRITE;
    if ((file->access & OPEN_FLAG_READ) == 0 || (shared_write && (file->access & OPEN_FLAG_WRITE) == 0))
        return ERR_RIGHTS;
    return ops->map != NULL ? ops->map(file, in, out) : ERR_NOT_SUPPORTED;
}

static error_t handle_device(struct request *request, const struct file_device_in *in, struct file_device_out *out) {
    (void)in;
    struct open_file *file = request_file(request);
    const struct tree_ops *ops = file_tree_ops(file);
    return ops->device != NULL ? ops->device(file, &out->protocol, &out->device) : ERR_NO_DEVICE;
}

const struct file_ops tree_file_ops = {
    .read = handle_read,
    .write = handle_write,
    .seek = handle_seek,
    .status = handle_status,
    .set_status = handle_set_status,
    .truncate = handle_truncate,
    .sync = handle_sync,
    .read_directory = handle_read_directory,
    .get_flags = handle_get_flags,
    .set_flags = handle_set_flags,
    .poll = handle_poll,
    .poll_end = handle_poll_end,
    .map = handle_map,
    .device = handle_device,
};
