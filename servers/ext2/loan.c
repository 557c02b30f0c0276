// A file's pages as a memory object (file.map): the frames of the cache themselves, named by a paged object that holds a session
// of this server as its pager's. The pages are all there, so nothing is ever asked of that session; its end tells that the last
// capability and the last mapping of the object are gone, and then the frames may be used for other pages again.
#include <stdlib.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "servers/ext2/volume.h"

enum { PAGE = 4096 };

struct file_loan {
    struct loan loan; // first
    struct node_loan node;
};

static void loan_ended(struct loan *loan) {
    node_loan_end(&((struct file_loan *)loan)->node);
    free(loan);
}

// Frames that lie side by side go in one call.
static error_t share(cap_t memory, cap_t cache, const struct node_loan *loan) {
    error_t error = ERR_OK;
    for (uint32_t at = 0, run; at < loan->count && error == ERR_OK; at += run) {
        run = 1;
        while (at + run < loan->count && loan->frames[at + run] == loan->frames[at] + run)
            run++;
        error = memory_share(memory, (uint64_t)at * PAGE, (uint64_t)run * PAGE, node_loan_place(loan, at), cache);
    }
    return error;
}

// The capability may read and be read by a device; nobody writes to the cache but this server.
static error_t object_make(struct file_loan *made, cap_t cache, cap_t *result) {
    cap_t session, memory;
    error_t error = loan_publish(&made->loan, &session);
    if (error) {
        loan_ended(&made->loan);
        return error;
    }
    error = account_create_paged(SLOT_ACCOUNT, (uint64_t)made->node.count * PAGE, session, &memory);
    if (!error) {
        error = share(memory, cache, &made->node);
        if (!error)
            error = slot_duplicate(memory, RIGHT_READ | RIGHT_DMA | RIGHT_COPY | RIGHT_INSPECT, result);
        slot_release(memory);
    }
    slot_release(session); // the object holds it; if there is none, the loan ends
    return error;
}

error_t ext2_map(struct open_file *file, const struct file_map_in *in, struct file_map_out *out) {
    const struct volume *volume = file->session.tree->own;
    if (in->flags != FILE_MAP_FLAG_READ || file->kind != FILE_KIND_REGULAR)
        return ERR_NOT_SUPPORTED;
    struct file_loan *made = calloc(1, sizeof(*made));
    if (!made)
        return ERR_NO_MEMORY;
    made->loan.ended = loan_ended;
    error_t error = node_lend((struct inode *)file->session.node, in->offset, in->length, &made->node, &out->length);
    if (error) {
        free(made);
        return error;
    }
    out->memory_offset = in->offset % PAGE;
    return object_make(made, volume->disk.memory, &out->memory);
}
