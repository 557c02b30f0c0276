// Disk requests: a fixed pool, filled piece by piece, completed from the server's loop. Invariant: a fiber
// that waits for a free request holds none, so the pool can't deadlock. Called by the caches.
#include "servers/ext2/disk.h"

#include <stdlib.h>
#include <string.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/page.h"

static void request_complete(struct platform_request *platform, error_t result);

error_t disk_requests_make(struct filesystem *fs) {
    fs->requests = aligned_alloc(_Alignof(struct io_request), PLATFORM_REQUESTS * sizeof *fs->requests);
    if (!fs->requests)
        return ERR_NO_MEMORY;
    memset(fs->requests, 0, PLATFORM_REQUESTS * sizeof *fs->requests);
    for (uint32_t i = 0; i < PLATFORM_REQUESTS; i++) {
        struct io_request *request = &fs->requests[i];
        request->fs = fs;
        request->platform.number = i;
        request->platform.segments = request->segments;
        request->platform.complete = request_complete;
    }
    fs->free_requests = UINT64_MAX;
    return ERR_OK;
}

void disk_requests_free(struct filesystem *fs) {
    free(fs->requests);
    fs->requests = NULL;
}

static struct io_request *request_take(struct filesystem *fs) {
    while (!fs->free_requests)
        platform_queue_wait(&fs->request_queue);
    struct io_request *request = &fs->requests[__builtin_ctzll(fs->free_requests)];
    fs->free_requests &= fs->free_requests - 1;
    request->platform.segment_count = 0;
    request->platform.bytes = 0;
    request->last_page = NO_INDEX;
    return request;
}

// Tells every page or buffer that the request touched, in the order in which transfer_add counted them.
static void request_tell(struct io_request *request, error_t result) {
    struct filesystem *fs = request->fs;
    uint32_t last = NO_INDEX;
    for (uint32_t i = 0; i < request->platform.segment_count; i++) {
        const struct platform_segment *segment = &request->segments[i];
        if (segment->offset < fs->page_base) {
            for (uint64_t at = segment->offset; at < segment->offset + segment->length; at += fs->block_size)
                buffer_transfer_done(fs, (uint32_t)(at >> fs->block_shift), request->platform.write, result);
            continue;
        }
        uint32_t first = (uint32_t)((segment->offset - fs->page_base) >> PAGE_SHIFT);
        uint32_t end = (uint32_t)((segment->offset + segment->length - 1 - fs->page_base) >> PAGE_SHIFT) + 1;
        for (uint32_t frame = first; frame < end; frame++)
            if (frame != last)
                page_transfer_done(fs, last = frame, request->platform.write, result);
    }
}

static void request_complete(struct platform_request *platform, error_t result) {
    struct io_request *request = (struct io_request *)platform;
    struct filesystem *fs = request->fs;
    struct io_batch *batch = request->batch;
    if (platform->write)
        fs->writes_done++;
    if (batch) {
        if (result && !batch->error)
            batch->error = result;
        if (--batch->pending == 0)
            platform_queue_wake_all(&batch->queue);
    }
    request_tell(request, result);
    fs->free_requests |= UINT64_C(1) << platform->number;
    platform_queue_wake_one(&fs->request_queue);
}

static void transfer_start(struct transfer *transfer) {
    struct io_request *request = transfer->current;
    transfer->current = NULL;
    request->batch = transfer->batch;
    if (transfer->batch)
        transfer->batch->pending++;
    platform_disk_start(transfer->fs->disk, &request->platform);
}

// Whether the piece goes on where the current request ends, on the disk, and fits.
static bool transfer_continues(const struct transfer *transfer, uint64_t sector, uint64_t offset, uint32_t length) {
    const struct io_request *request = transfer->current;
    if (!request || request->platform.sector + request->platform.bytes / PLATFORM_SECTOR_BYTES != sector ||
        request->platform.bytes + length > PLATFORM_TRANSFER_BYTES)
        return false;
    const struct platform_segment *last = &request->segments[request->platform.segment_count - 1];
    return last->offset + last->length == offset || request->platform.segment_count < PLATFORM_SEGMENTS;
}

void transfer_add(struct transfer *transfer, uint32_t block, uint64_t cache_offset, uint32_t length) {
    struct filesystem *fs = transfer->fs;
    uint64_t sector = (uint64_t)block * fs->sectors_per_block;
    if (!transfer_continues(transfer, sector, cache_offset, length)) {
        if (transfer->current)
            transfer_start(transfer);
        transfer->current = request_take(fs);
        transfer->current->platform.sector = sector;
        transfer->current->platform.write = transfer->write;
    }
    struct io_request *request = transfer->current;
    uint32_t count = request->platform.segment_count;
    struct platform_segment *last = count ? &request->segments[count - 1] : NULL;
    bool same_part = last && (last->offset < fs->page_base) == (cache_offset < fs->page_base);
    if (last && same_part && last->offset + last->length == cache_offset) {
        last->length += length;
    } else {
        request->segments[count].offset = cache_offset; // field by field: where stores are noted, a struct is copied by a call
        request->segments[count].length = length;
        request->platform.segment_count++;
    }
    request->platform.bytes += length;
    if (cache_offset >= fs->page_base) {
        uint32_t frame = (uint32_t)((cache_offset - fs->page_base) >> PAGE_SHIFT);
        if (frame != request->last_page)
            fs->pages[frame].transfers++;
        request->last_page = frame;
    }
}

void transfer_finish(struct transfer *transfer) {
    if (transfer->current)
        transfer_start(transfer); // the transfer can go on with another request
}

error_t io_batch_wait(struct io_batch *batch) {
    while (batch->pending)
        platform_queue_wait(&batch->queue);
    return batch->error;
}

error_t disk_flush(struct filesystem *fs) {
    uint64_t writes = fs->writes_done;
    if (fs->writes_flushed >= writes) // by a flush that has ended: one under way may have begun too early, and may fail
        return ERR_OK;
    error_t error = platform_disk_flush(fs->disk);
    if (!error && fs->writes_flushed < writes)
        fs->writes_flushed = writes;
    return error;
}
