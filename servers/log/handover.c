// The log as records for another build (libipc/server/handover.h): what is kept, how far the kernel's ring
// was read, who waits. Rings of roles are not handed over: nobody has one yet.
#include <string.h>

#include "servers/log/state.h"

enum { CLASS_LOG = 1, CLASS_BYTES = 2, VERSION = 1 };

struct log_head {
    uint64_t tail, head, kernel_sequence;
};

error_t log_give(struct handover *handover) {
    const struct log_head head = {log_state.store.tail, log_state.store.head, log_state.kernel_sequence};
    for (uint32_t i = 0; i < SOURCES_MAX; i++)
        if (log_state.sources[i].is_used)
            return ERR_NOT_SUPPORTED;
    error_t error = handover_put(handover, CLASS_LOG, VERSION, 0, &head, sizeof(head));
    if (error == ERR_OK)
        error = handover_put(handover, CLASS_BYTES, VERSION, 0, log_state.store.bytes, sizeof(log_state.store.bytes));
    return error == ERR_OK ? poll_list_give(&log_state.waiters, handover, 0) : error;
}

static struct poll_list *waiters(uint64_t badge) {
    (void)badge;
    return &log_state.waiters;
}

error_t log_take(struct handover *handover) {
    struct log_head head;
    error_t error = handover_read_first(handover, CLASS_LOG, VERSION, &head, sizeof(head));
    if (error == ERR_OK)
        error = handover_read_first(handover, CLASS_BYTES, VERSION, log_state.store.bytes, sizeof(log_state.store.bytes));
    if (error != ERR_OK)
        return error;
    log_state.store.tail = head.tail;
    log_state.store.head = head.head;
    log_state.kernel_sequence = head.kernel_sequence;
    error = poll_lists_take(handover, waiters);
    log_gather();
    return error;
}
