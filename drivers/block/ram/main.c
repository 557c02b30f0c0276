// The RAM disk: the protocol block over memory that is mapped here. The content is a clone of the memory
// object that the role was given as `image`, or empty, with the size that the argument says. Requests end at
// once. See README.md.
#include <stddef.h>

#include "drivers/block/service/service.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/start/start.h"

enum { PAGE_BYTES = 4096, COPY_BYTES = 1 << 20, QUEUE_DEPTH = 1 };

static struct block_disk disk;

// Moves the request's bytes between the client's memory object and the content, in pieces that the kernel
// takes at once.
static error_t transfer(struct block_io *io) {
    char *content = disk.direct + io->sector * SECTOR_BYTES;
    uint64_t left = (uint64_t)io->count * SECTOR_BYTES, offset = io->offset, moved;
    while (left != 0) {
        uint64_t part = left < COPY_BYTES ? left : COPY_BYTES;
        error_t error = io->operation == BLOCK_OPERATION_READ
                            ? memory_write(io->buffer->memory, offset, content, part, &moved)
                            : memory_read(io->buffer->memory, offset, content, part, &moved);
        if (error != ERR_OK)
            return error;
        if (moved == 0 || moved > part)
            return ERR_IO;
        content += moved;
        offset += moved;
        left -= moved;
    }
    return ERR_OK;
}

static void ram_submit(struct block_disk *unused, struct block_io *io) {
    (void)unused;
    io->done(io, io->operation == BLOCK_OPERATION_FLUSH ? ERR_OK : transfer(io));
}

static void ram_kick(struct block_disk *unused) {
    (void)unused;
}

static error_t read_sector(void *context, uint64_t sector, void *to) {
    (void)context;
    __builtin_memcpy(to, disk.direct + sector * SECTOR_BYTES, SECTOR_BYTES);
    return ERR_OK;
}

// Decimal MiB; 0: not a number, or too large.
static uint64_t size_read(const char *text) {
    uint64_t size = 0;
    for (; *text >= '0' && *text <= '9' && size < 1 << 20; text++)
        size = size * 10 + (uint64_t)(*text - '0');
    return *text == '\0' ? size << 20 : 0;
}

// An anonymous image is cloned, page by page as it is written; a physical range, such as the initrd, is
// copied.
static error_t content_clone(cap_t image, uint64_t length, cap_t *memory) {
    uint64_t kind;
    error_t error = memory_information(image, NULL, &kind, NULL);
    if (error == ERR_OK && kind == MEMORY_KIND_ANONYMOUS)
        return memory_clone(image, 0, length, SLOT_ACCOUNT, memory);
    if (error == ERR_OK)
        error = account_create_memory(SLOT_ACCOUNT, length, memory);
    return error;
}

static error_t content_copy(cap_t image, uint64_t length) {
    for (uint64_t offset = 0, moved = 0; offset < length; offset += moved) {
        uint64_t part = length - offset < COPY_BYTES ? length - offset : COPY_BYTES;
        error_t error = memory_read(image, offset, disk.direct + offset, part, &moved);
        if (error != ERR_OK)
            return error;
        if (moved == 0)
            return ERR_IO;
    }
    return ERR_OK;
}

// "content" outlives an actor: it lies in state memory's place in the table if the manifest gives it as such.
static error_t content_open(void) {
    cap_t memory = startup_capability("content"), image = startup_capability("image");
    const char *size = startup_argument(1);
    uint64_t length = 0, kind = MEMORY_KIND_ANONYMOUS;
    void *address;
    bool copy = false;
    error_t error = ERR_OK;
    if (memory != 0) {
        error = memory_information(memory, &length, NULL, NULL);
    } else if (image != 0) {
        error = memory_information(image, &length, &kind, NULL);
        copy = kind != MEMORY_KIND_ANONYMOUS;
        if (error == ERR_OK)
            error = content_clone(image, length, &memory);
    } else {
        length = size != NULL ? size_read(size) : 0;
        error = length != 0 ? account_create_memory(SLOT_ACCOUNT, length, &memory) : ERR_INVALID;
    }
    if (error == ERR_OK)
        error = driver_map(memory, length, &address);
    if (error != ERR_OK)
        return error;
    disk.direct = address;
    disk.sectors = length / SECTOR_BYTES;
    return copy ? content_copy(image, length) : ERR_OK;
}

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    error_t error = block_service_open("ram");
    if (error == ERR_OK)
        error = content_open();
    if (error != ERR_OK) {
        report_failure("no content (capability image or content, or a size in MiB as argument)", error);
        return 1;
    }
    disk.queue_depth = QUEUE_DEPTH;
    disk.submit = ram_submit;
    disk.kick = ram_kick;
    __builtin_memcpy(disk.model, "memory", sizeof("memory"));
    error = block_service_add(&disk, read_sector, NULL);
    if (error == ERR_OK)
        error = block_service_run();
    return error == ERR_OK ? 0 : 1;
}
