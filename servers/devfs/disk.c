// Disks as files of bytes: whole sectors go by as many as fit into one request; the ends of a range that are
// not whole are read, changed and written back, under the disk's lock.
#include <stdlib.h>

#include "servers/devfs/state.h"

uint64_t disk_bytes(const struct device *disk) {
    return disk->status.sectors * disk->status.sector_size;
}

error_t disk_open(struct device *disk) {
    cap_t session;
    if (disk->session != 0)
        return ERR_OK;
    error_t error = block_open(disk->driver, disk->unit, &session);
    if (error == ERR_OK && disk->session == 0)
        disk->session = session;
    if (error == ERR_OK && disk->status.sector_size == 0)
        return ERR_NO_MEDIUM;
    return error;
}

// The piece of a range that one request moves, in sectors around it.
struct piece {
    uint64_t sector, sectors;
    uint64_t skip, length; // bytes of it that belong to the range
};

static struct piece piece_at(const struct device *disk, uint64_t position, uint64_t length) {
    uint64_t size = disk->status.sector_size, most = TRANSFER_BYTES / size;
    struct piece piece = {.sector = position / size, .skip = position % size};
    piece.sectors = (piece.skip + length + size - 1) / size;
    if (piece.sectors > most)
        piece.sectors = most;
    uint64_t room = piece.sectors * size - piece.skip;
    piece.length = length < room ? length : room;
    return piece;
}

static error_t sectors_read(struct device *disk, uint64_t sector, uint64_t sectors, unsigned char *buffer) {
    uint64_t size = disk->status.sector_size, done = 0, count;
    while (done < sectors * size) { // a stub may have moved less
        error_t error = block_read(disk->session, sector + done / size, buffer + done, sectors * size - done, &count);
        if (error != ERR_OK)
            return error;
        if (count == 0 || count > sectors * size - done || count % size != 0)
            return ERR_IO;
        done += count;
    }
    return ERR_OK;
}

static error_t sectors_write(struct device *disk, uint64_t sector, uint64_t sectors, const unsigned char *buffer) {
    uint64_t size = disk->status.sector_size, done = 0, count;
    while (done < sectors * size) {
        error_t error = block_write(disk->session, sector + done / size, buffer + done, sectors * size - done, &count);
        if (error != ERR_OK)
            return error;
        if (count == 0 || count > sectors * size - done || count % size != 0)
            return ERR_IO;
        done += count;
    }
    return ERR_OK;
}

static error_t begin(struct device *disk, uint64_t position, uint64_t *length, unsigned char **buffer) {
    error_t error = disk_open(disk);
    if (error != ERR_OK)
        return error;
    uint64_t bytes = disk_bytes(disk), left = position < bytes ? bytes - position : 0;
    if (*length > left)
        *length = left;
    *buffer = malloc(TRANSFER_BYTES);
    return *buffer != NULL ? ERR_OK : ERR_NO_MEMORY;
}

error_t disk_read(struct device *disk, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    unsigned char *buffer;
    *count = 0;
    error_t error = begin(disk, position, &length, &buffer);
    if (error != ERR_OK)
        return error;
    while (error == ERR_OK && *count < length) {
        struct piece piece = piece_at(disk, position + *count, length - *count);
        error = sectors_read(disk, piece.sector, piece.sectors, buffer);
        if (error == ERR_OK)
            error = request_copy_out(request, *count, buffer + piece.skip, piece.length);
        if (error == ERR_OK)
            *count += piece.length;
    }
    free(buffer);
    return *count != 0 ? ERR_OK : error;
}

static error_t piece_write(struct device *disk, struct request *request, uint64_t offset, const struct piece *piece,
                           unsigned char *buffer) {
    uint64_t size = disk->status.sector_size;
    bool has_head = piece->skip != 0, has_tail = (piece->skip + piece->length) % size != 0;
    error_t error = ERR_OK;
    if (has_head || has_tail)
        error = sectors_read(disk, piece->sector, 1, buffer);
    if (error == ERR_OK && has_tail && piece->sectors > 1)
        error = sectors_read(disk, piece->sector + piece->sectors - 1, 1, buffer + (piece->sectors - 1) * size);
    if (error == ERR_OK)
        error = request_copy_in(request, offset, buffer + piece->skip, piece->length);
    return error == ERR_OK ? sectors_write(disk, piece->sector, piece->sectors, buffer) : error;
}

error_t disk_write(struct device *disk, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    unsigned char *buffer;
    bool wanted = length != 0;
    *count = 0;
    error_t error = begin(disk, position, &length, &buffer);
    if (error != ERR_OK)
        return error;
    if (wanted && length == 0)
        error = ERR_NO_SPACE;
    fiber_lock_exclusive(&disk->lock);
    while (error == ERR_OK && *count < length) {
        struct piece piece = piece_at(disk, position + *count, length - *count);
        error = piece_write(disk, request, *count, &piece, buffer);
        if (error == ERR_OK)
            *count += piece.length;
    }
    fiber_unlock(&disk->lock);
    free(buffer);
    return *count != 0 ? ERR_OK : error;
}
