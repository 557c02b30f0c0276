// See refusals.h.
#include "servers/framework/refusals.h"

error_t refuse_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    (void)request;
    (void)in;
    (void)out;
    return ERR_NOT_SEEKABLE;
}

error_t refuse_truncate(struct request *request, const struct file_truncate_in *in, struct file_truncate_out *out) {
    (void)request;
    (void)in;
    (void)out;
    return ERR_INVALID;
}

error_t refuse_sync(struct request *request, const struct file_sync_in *in, struct file_sync_out *out) {
    (void)request;
    (void)in;
    (void)out;
    return ERR_INVALID;
}
