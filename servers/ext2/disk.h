// Transfers between the disk and cache memory: pieces are added in rising order of sectors and leave as few
// large requests.
#pragma once

#include "servers/ext2/state.h"

struct transfer {
    struct filesystem *fs;
    struct io_batch *batch; // may be NULL
    struct io_request *current;
    bool write;
};

MUST_USE error_t disk_requests_make(struct filesystem *fs);
void disk_requests_free(struct filesystem *fs);

// Adds a piece of cache memory. WAITS if no request is free. Pages get `transfers` counted up per request
// that touches them.
void transfer_add(struct transfer *transfer, uint32_t block, uint64_t cache_offset, uint32_t length);
void transfer_finish(struct transfer *transfer); // starts what is left
error_t io_batch_wait(struct io_batch *batch);   // WAITS until none is pending; the first error
// WAITS. Makes all completed writes durable; free of charge if there were none.
MUST_USE error_t disk_flush(struct filesystem *fs);
