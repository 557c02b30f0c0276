// Reading, writing and what else is done to an open file. Large transfers are cut into what one message may lend.
#include <fcntl.h>
#include <unistd.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/terminal.h"
#include "libipc/protocols/vfs.h"
#include "libipc/client/slot.h"

#define OWN_OFFSET UINT64_MAX

static size_t limited(size_t size) {
    return size < FILE_READ_DATA_MAX ? size : FILE_READ_DATA_MAX;
}

static error_t read_from(int fd, void *buffer, size_t size, uint64_t position, size_t *done) {
    struct descriptor *descriptor;
    uint64_t count;
    error_t error = descriptor_get(fd, &descriptor);
    if (error)
        return error;
    do {
        bool terminal = descriptor->flags & DESCRIPTOR_TERMINAL;
        error = terminal ? layer_terminal_enter(descriptor->file, TERMINAL_USE_READ) : ERR_OK;
        if (!error)
            error = file_read(descriptor->file, position, terminal ? FILE_USE_FLAG_FOREGROUND : 0, buffer, limited(size), &count);
        if (error != ERR_NOT_PERMITTED || terminal)
            continue;
        descriptor->flags |= DESCRIPTOR_TERMINAL; // it wants to know who reads
        error = ERR_INTERRUPTED;
    } while (error == ERR_INTERRUPTED && !layer_signals_run());
    if (!error)
        *done = count;
    return error;
}

static error_t write_to(int fd, const void *buffer, size_t size, uint64_t position, size_t *done) {
    struct descriptor *descriptor;
    uint64_t count;
    error_t error = descriptor_get(fd, &descriptor);
    if (error)
        return error;
    error = file_write(descriptor->file, position, 0, buffer, limited(size), &count);
    if (error == ERR_NOT_PERMITTED) { // a terminal with TOSTOP wants to know who writes
        error = layer_terminal_enter(descriptor->file, TERMINAL_USE_WRITE);
        if (!error)
            error = file_write(descriptor->file, position, FILE_USE_FLAG_FOREGROUND, buffer, limited(size), &count);
    }
    if (!error)
        *done = count;
    return error;
}

error_t system_read(int fd, void *buffer, size_t size, size_t *done) {
    return read_from(fd, buffer, size, OWN_OFFSET, done);
}

error_t system_write(int fd, const void *buffer, size_t size, size_t *done) {
    return write_to(fd, buffer, size, OWN_OFFSET, done);
}

error_t system_read_at(int fd, void *buffer, size_t size, off_t offset, size_t *done) {
    return offset < 0 ? ERR_INVALID : read_from(fd, buffer, size, (uint64_t)offset, done);
}

error_t system_write_at(int fd, const void *buffer, size_t size, off_t offset, size_t *done) {
    return offset < 0 ? ERR_INVALID : write_to(fd, buffer, size, (uint64_t)offset, done);
}

error_t system_seek(int fd, off_t offset, int whence, off_t *position) {
    struct descriptor *descriptor;
    uint64_t reached;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = file_seek(descriptor->file, offset, (uint64_t)whence, &reached);
    if (error == ERR_IS_DIRECTORY || error == ERR_NOT_SEEKABLE) { // a directory's position is a cursor, kept here
        struct file_status status;
        if (whence != SEEK_SET || file_status(descriptor->file, &status) || status.kind != FILE_KIND_DIRECTORY)
            return error == ERR_IS_DIRECTORY ? ERR_INVALID : error;
        descriptor->cursor = (uint64_t)offset;
        reached = (uint64_t)offset;
        error = ERR_OK;
    }
    if (!error) {
        descriptor->cursor = reached;
        *position = (off_t)reached;
    }
    return error;
}

error_t system_sync_file(int fd, bool data_only) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : file_sync(descriptor->file, data_only ? SYNC_FLAG_DATA_ONLY : 0);
}

error_t system_sync(void) {
    return vfs_sync_all(layer_root);
}

error_t system_truncate(int fd, off_t size) {
    struct descriptor *descriptor;
    error_t error = size < 0 ? ERR_INVALID : descriptor_get(fd, &descriptor);
    return error ? error : file_truncate(descriptor->file, (uint64_t)size);
}

error_t system_device_size(int fd, uint64_t *bytes) {
    struct descriptor *descriptor;
    struct block_status status;
    uint64_t protocol;
    cap_t device;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = file_device(descriptor->file, &protocol, &device);
    if (error)
        return error;
    error = protocol == PROTOCOL_BLOCK ? block_status(device, &status) : ERR_NO_DEVICE;
    slot_release(device);
    if (!error)
        *bytes = status.sectors * status.sector_size;
    return error;
}
