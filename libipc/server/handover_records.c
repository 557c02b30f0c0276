// The records of a handover; see handover.h. Knows nothing of the loop.
#include "libipc/server/handover.h"

error_t handover_put(struct handover *handover, uint32_t class, uint32_t version, uint64_t key, const void *data,
                     uint64_t length) {
    uint32_t record;
    if (length > STATE_RECORD_MAX)
        return ERR_TOO_BIG;
    error_t error = state_create(&handover->state, class, version, key, (uint32_t)length, data, (uint32_t)length, &record);
    handover->is_full = handover->is_full || error == ERR_NO_SPACE;
    return error;
}

error_t handover_next(const struct handover *handover, uint32_t class, struct handover_view *view) {
    return state_next(&handover->state, class, view->view.record, &view->view);
}

error_t handover_read(const struct handover_view *view, uint32_t version, void *to, uint64_t length) {
    if (view->view.version != version || view->view.length < length)
        return ERR_NOT_SUPPORTED;
    __builtin_memcpy(to, view->view.data, length);
    return ERR_OK;
}

error_t handover_read_first(const struct handover *handover, uint32_t class, uint32_t version, void *to, uint64_t length) {
    struct handover_view view = {0};
    error_t error = handover_next(handover, class, &view);
    return error == ERR_OK ? handover_read(&view, version, to, length) : error;
}
