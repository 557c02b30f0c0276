// The RAM disk: the protocol block over memory that is mapped here. The content is a clone of the memory
// object that the role was given as `image`, or empty, with the size that the argument says; it outlives actors. Requests end at
// once. See README.md.
#include <stddef.h>

#include "drivers/framework/archive.h"
#include "drivers/block/service/service.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
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
        error_t error = io->operation == BLOCK_OPERATION_READ ? memory_write(io->buffer->memory, offset, content, part, &moved)
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

static const char *argument_after(const char *prefix) {
    const char *argument;
    for (uint32_t i = 1; (argument = startup_argument(i)) != NULL; i++) {
        uint32_t length = 0;
        while (prefix[length] != '\0' && argument[length] == prefix[length])
            length++;
        if (prefix[length] == '\0')
            return argument + length;
    }
    return NULL;
}

static error_t content_use(cap_t memory, uint64_t length) {
    void *address;
    error_t error = driver_map(memory, length, &address);
    disk.direct = address;
    disk.sectors = length / SECTOR_BYTES;
    return error;
}

static error_t content_new(uint64_t bytes, cap_t *memory) {
    uint64_t length = (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
    error_t error = account_create_memory(SLOT_ACCOUNT, length, memory);
    if (error == ERR_OK)
        error = content_use(*memory, length);
    disk.sectors = bytes / SECTOR_BYTES;
    return error;
}

// An anonymous image is cloned, and copied page by page as it is written to; any other is copied now.
static error_t content_clone(cap_t image) {
    uint64_t kind, length, moved;
    cap_t memory;
    error_t error = memory_information(image, &length, &kind, NULL);
    bool clones = error == ERR_OK && kind == MEMORY_KIND_ANONYMOUS;
    if (clones)
        error = memory_clone(image, 0, length, SLOT_ACCOUNT, &memory);
    if (clones && error == ERR_OK)
        error = content_use(memory, length);
    if (!clones && error == ERR_OK)
        error = content_new(length, &memory);
    for (uint64_t offset = 0; !clones && error == ERR_OK && offset < length; offset += moved) {
        uint64_t part = length - offset < COPY_BYTES ? length - offset : COPY_BYTES;
        error = memory_read(image, offset, disk.direct + offset, part, &moved);
        if (error == ERR_OK && moved == 0)
            error = ERR_IO;
    }
    if (error == ERR_OK)
        block_service_keep_content(memory, length);
    return error;
}

// A file of the initrd, copied, because the archive is not ours to write to.
static error_t content_from_initrd(cap_t initrd, const char *name) {
    uint64_t length, address = 0;
    const char *file;
    size_t size;
    cap_t content;
    error_t error = memory_information(initrd, &length, NULL, NULL);
    if (error == ERR_OK)
        error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ, initrd, &address);
    if (error != ERR_OK)
        return error;
    error = archive_find((const char *)(uintptr_t)address, length, name, &file, &size);
    if (error == ERR_OK)
        error = content_new(size, &content);
    if (error == ERR_OK) {
        __builtin_memcpy(disk.direct, file, size);
        block_service_keep_content(content, size);
    }
    error_t ignored = process_unmap(SLOT_SELF, address, length);
    (void)ignored;
    return error;
}

static error_t content_empty(uint64_t bytes) {
    cap_t memory;
    error_t error = content_new(bytes, &memory);
    if (error == ERR_OK)
        block_service_keep_content(memory, bytes);
    return error;
}

// What an actor before had.
static error_t content_again(cap_t memory, uint64_t bytes) {
    uint64_t length;
    error_t error = memory_information(memory, &length, NULL, NULL);
    if (error == ERR_OK)
        error = content_use(memory, length);
    disk.sectors = bytes / SECTOR_BYTES;
    return error;
}

static error_t content_open(void) {
    cap_t content = startup_capability("content"), image = startup_capability("image");
    cap_t initrd = startup_capability("initrd");
    const char *size = argument_after("size="), *name = argument_after("image=");
    uint64_t length;
    cap_t kept = block_service_content(&length);
    if (kept != 0)
        return content_again(kept, length);
    if (content != 0) {
        error_t error = memory_information(content, &length, NULL, NULL);
        return error == ERR_OK ? content_use(content, length) : error;
    }
    if (image != 0)
        return content_clone(image);
    if (initrd != 0 && name != NULL) {
        error_t error = content_from_initrd(initrd, name);
        if (error != ERR_NOT_FOUND)
            return error;
    }
    length = size != NULL ? size_read(size) : 0;
    return length != 0 ? content_empty(length) : ERR_NOT_FOUND;
}

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    error_t error = block_service_open("ram");
    if (error == ERR_OK)
        error = content_open();
    disk.queue_depth = QUEUE_DEPTH;
    disk.submit = ram_submit;
    disk.kick = ram_kick;
    __builtin_memcpy(disk.model, "memory", sizeof("memory"));
    if (error == ERR_OK)
        error = block_service_add(&disk, read_sector, NULL);
    if (error != ERR_OK && error != ERR_NOT_FOUND) // without content there is simply no disk
        report_failure("no disk", error);
    return block_service_run() == ERR_OK ? 0 : 1;
}
