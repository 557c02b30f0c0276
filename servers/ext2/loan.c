// A file's pages as a memory object (file.map): the frames of the cache themselves, named by a paged object that holds a session
// of this server as its pager's. The pages are all there, so nothing is ever asked of that session; its end tells that the last
// capability and the last mapping of the object are gone, and then the frames may be used for other pages again. Another build
// uses the same cache memory, so what is lent is told to it.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "servers/ext2/volume.h"

enum { PAGE = 4096, VERSION = 1 };

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

// --- another build
struct loan_record { // under the session's badge
    uint64_t device; // of the tree; 0: unmounted since
    uint32_t count;
    uint32_t frames[LOAN_PAGES]; // so many of them are there
};

static uint64_t record_bytes(uint32_t count) {
    return offsetof(struct loan_record, frames) + count * sizeof(uint32_t);
}

static uint64_t device_of(const struct filesystem *fs) {
    const struct tree *tree = ext2_server.trees;
    while (tree && ((const struct volume *)tree->own)->filesystem != fs)
        tree = tree->next;
    return tree ? tree->device : 0;
}

error_t ext2_give_loan(struct handover *handover, const struct loan *loan) {
    const struct node_loan *node = &((const struct file_loan *)loan)->node;
    struct loan_record record = {.device = node->fs ? device_of(node->fs) : 0, .count = node->fs ? node->count : 0};
    memcpy(record.frames, node->frames, record.count * sizeof(uint32_t));
    return handover_put(handover, EXT2_CLASS_LOAN, VERSION, loan->session.badge, &record, record_bytes(record.count));
}

static error_t take_loan(uint64_t badge, const struct loan_record *record) {
    const struct tree *tree = record->device ? file_server_tree(record->device) : NULL;
    if (record->device && !tree)
        return ERR_CORRUPT;
    struct filesystem *fs = tree ? ((const struct volume *)tree->own)->filesystem : NULL;
    struct file_loan *made = calloc(1, sizeof(*made));
    if (!made)
        return ERR_NO_MEMORY;
    made->loan.ended = loan_ended;
    made->node.count = fs ? record->count : 0;
    memcpy(made->node.frames, record->frames, made->node.count * sizeof(uint32_t));
    error_t error = fs ? node_loan_restore(fs, &made->node) : ERR_OK;
    return error ? error : loan_restore(&made->loan, badge);
}

error_t ext2_take_loans(const struct handover *handover) {
    struct handover_view view = {0};
    struct loan_record record;
    error_t error = ERR_OK;
    while (!error && handover_next(handover, EXT2_CLASS_LOAN, &view) == ERR_OK) {
        error = handover_read(&view, VERSION, &record, record_bytes(0));
        if (!error && record.count > LOAN_PAGES)
            return ERR_CORRUPT;
        if (!error)
            error = handover_read(&view, VERSION, &record, record_bytes(record.count));
        if (!error)
            error = take_loan(view.view.key, &record);
    }
    return error;
}
