// The protocol `file` on sockets: read and write are receive and send without names.
#include "servers/framework/refusals.h"
#include "servers/net/operation.h"

static struct session *session_of(const struct request *request) {
    return session_find(request->badge);
}

static error_t handle_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    struct operation operation = {.kind = OPERATION_READ, .length = in->data_size};
    if (in->position != UINT64_MAX)
        return ERR_NOT_SEEKABLE;
    error_t error = operation_begin(session_of(request), request, &operation);
    out->count = operation.done;
    return error;
}

static error_t handle_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    struct operation operation = {.kind = OPERATION_WRITE, .length = in->data_size};
    if (in->position != UINT64_MAX)
        return ERR_NOT_SEEKABLE;
    error_t error = operation_begin(session_of(request), request, &operation);
    out->count = operation.done;
    return error;
}

static error_t handle_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)in;
    out->status =
        (struct file_status){.inode = request->badge, .kind = FILE_KIND_SOCKET, .mode = 0777, .links = 1, .block_size = 4096};
    out->status.size = stack_socket_bytes_ready(session_of(request)->socket);
    return ERR_OK;
}

static error_t handle_get_flags(struct request *request, const struct file_get_flags_in *in, struct file_get_flags_out *out) {
    (void)in;
    out->flags = session_of(request)->flags;
    return ERR_OK;
}

static error_t handle_set_flags(struct request *request, const struct file_set_flags_in *in, struct file_set_flags_out *out) {
    (void)out;
    if (!file_flags_are_known(in->flags))
        return ERR_INVALID;
    session_of(request)->flags = in->flags;
    return ERR_OK;
}

static error_t handle_poll(struct request *request, const struct file_poll_in *in, struct file_poll_out *out) {
    struct session *session = session_of(request);
    out->stays = 2;
    out->ready = stack_socket_readiness(session->socket) & (in->interest | READINESS_HANG_UP | READINESS_ERROR);
    if (in->replaces != 0 && in->notification == 0) {
        out->ticket = poll_list_again(&session->polls, in->replaces, in->interest, out->ready) ? in->replaces : 0;
        request->observes = out->ready != 0;
        return ERR_OK;
    }
    if (in->replaces != 0)
        poll_list_remove(&session->polls, in->replaces);
    if (out->ready != 0 || in->notification == 0)
        return ERR_OK;
    cap_t notification = request_keep(request, in->notification);
    return poll_list_add(&session->polls, notification, in->bits, in->interest, &out->ticket);
}

static error_t handle_poll_end(struct request *request, const struct file_poll_end_in *in, struct file_poll_end_out *out) {
    (void)out;
    poll_list_remove(&session_of(request)->polls, in->ticket);
    return ERR_OK;
}

const struct file_ops net_file_ops = {
    .read = handle_read,
    .write = handle_write,
    .seek = refuse_seek,
    .status = handle_status,
    .truncate = refuse_truncate,
    .sync = refuse_sync,
    .get_flags = handle_get_flags,
    .set_flags = handle_set_flags,
    .poll = handle_poll,
    .poll_end = handle_poll_end,
};
