// The descriptor table; see layer.h.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/vfs.h"
#include "libipc/start/start.h"

static struct descriptor *table;
static int table_size;

static error_t table_grow(int wanted) {
    int size = table_size ? table_size : 16;
    while (size <= wanted)
        size *= 2;
    struct descriptor *larger = realloc(table, (size_t)size * sizeof(*table));
    if (!larger)
        return ERR_NO_MEMORY;
    memset(larger + table_size, 0, (size_t)(size - table_size) * sizeof(*table));
    table = larger;
    table_size = size;
    return ERR_OK;
}

error_t descriptor_get(int fd, struct descriptor **descriptor) {
    if (fd < 0 || fd >= table_size || !table[fd].file)
        return ERR_BAD_DESCRIPTOR;
    *descriptor = &table[fd];
    return ERR_OK;
}

struct descriptor *descriptor_at(int fd) {
    return fd >= 0 && fd < table_size ? &table[fd] : NULL;
}

int descriptor_limit(void) {
    int limit = table_size;
    while (limit > 0 && !table[limit - 1].file)
        limit--;
    return limit;
}

error_t descriptor_add(cap_t file, uint32_t flags, int minimum, int *fd) {
    int lowest = minimum;
    while (lowest < table_size && table[lowest].file)
        lowest++;
    error_t error = minimum < 0 || lowest >= DESCRIPTORS_MAX ? ERR_TOO_MANY_FILES : ERR_OK;
    if (!error && lowest >= table_size)
        error = table_grow(lowest);
    if (error) {
        slot_release(file);
        return error;
    }
    table[lowest] = (struct descriptor){.file = file, .flags = flags};
    *fd = lowest;
    return ERR_OK;
}

// The entries called fd0, fd1, ... of the startup block.
void descriptors_start(void) {
    const struct startup *startup = startup_data();
    const struct startup_capability *entries =
        (const struct startup_capability *)(const void *)((const char *)startup + startup->capability_offset);
    for (uint32_t i = 0; i < startup->capability_count; i++) {
        const char *name = entries[i].name;
        if (name[0] != 'f' || name[1] != 'd' || name[2] < '0' || name[2] > '9')
            continue;
        int fd = atoi(name + 2);
        if (fd < DESCRIPTORS_MAX && (fd < table_size || table_grow(fd) == ERR_OK))
            table[fd] = (struct descriptor){.file = entries[i].slot, .flags = entries[i].value};
    }
}

error_t system_close(int fd) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (error)
        return error;
    slot_release(descriptor->file);
    descriptor->file = 0;
    return ERR_OK;
}

static error_t copy_file(int fd, int flags, cap_t *file, uint32_t *copy_flags) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (error)
        return error;
    *copy_flags = descriptor->flags & ~(uint32_t)DESCRIPTOR_CLOSE_ON_SPAWN;
    if (flags & O_CLOEXEC)
        *copy_flags |= DESCRIPTOR_CLOSE_ON_SPAWN;
    return slot_duplicate(descriptor->file, 0, file);
}

error_t system_duplicate(int fd, int minimum, int flags, int *copy) {
    cap_t file;
    uint32_t copy_flags;
    error_t error = copy_file(fd, flags, &file, &copy_flags);
    return error ? error : descriptor_add(file, copy_flags, minimum, copy);
}

error_t system_duplicate_to(int fd, int copy, int flags) {
    cap_t file;
    uint32_t copy_flags;
    if (copy < 0 || copy >= DESCRIPTORS_MAX)
        return ERR_BAD_DESCRIPTOR;
    error_t error = copy_file(fd, flags, &file, &copy_flags);
    if (!error && copy >= table_size) {
        error = table_grow(copy);
        if (error)
            slot_release(file);
    }
    if (error)
        return error;
    (void)system_close(copy);
    table[copy] = (struct descriptor){.file = file, .flags = copy_flags};
    return ERR_OK;
}

error_t system_descriptor_flags_get(int fd, int *flags) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        *flags = descriptor->flags & DESCRIPTOR_CLOSE_ON_SPAWN ? FD_CLOEXEC : 0;
    return error;
}

error_t system_descriptor_flags_set(int fd, int flags) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (error)
        return error;
    descriptor->flags &= ~(uint32_t)DESCRIPTOR_CLOSE_ON_SPAWN;
    if (flags & FD_CLOEXEC)
        descriptor->flags |= DESCRIPTOR_CLOSE_ON_SPAWN;
    return ERR_OK;
}

error_t system_file_flags_get(int fd, int *flags) {
    struct descriptor *descriptor;
    uint64_t shared;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = file_get_flags(descriptor->file, &shared);
    if (!error)
        *flags = (int)(descriptor->flags >> DESCRIPTOR_ACCESS_SHIFT & DESCRIPTOR_ACCESS_MASK) |
                 (shared & FILE_FLAG_APPEND ? O_APPEND : 0) | (shared & FILE_FLAG_NON_BLOCKING ? O_NONBLOCK : 0);
    return error;
}

error_t system_file_flags_set(int fd, int flags) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (error)
        return error;
    for (int i = 0; i < table_size && (flags & O_NONBLOCK) == 0; i++) // copies share it
        table[i].non_blocking = false;
    error = file_set_flags(descriptor->file,
                           (flags & O_APPEND ? FILE_FLAG_APPEND : 0) | (flags & O_NONBLOCK ? FILE_FLAG_NON_BLOCKING : 0));
    descriptor->non_blocking = error == ERR_OK && (flags & O_NONBLOCK) != 0;
    return error;
}

error_t system_pipe(int flags, int *read_end, int *write_end) {
    cap_t reader, writer;
    error_t error = vfs_pipe(layer_root, flags & O_NONBLOCK ? FILE_FLAG_NON_BLOCKING : 0, &reader, &writer);
    if (error)
        return error;
    uint32_t close = flags & O_CLOEXEC ? DESCRIPTOR_CLOSE_ON_SPAWN : 0;
    error = descriptor_add(reader, close | O_RDONLY << DESCRIPTOR_ACCESS_SHIFT, 0, read_end);
    if (error) {
        slot_release(writer);
        return error;
    }
    error = descriptor_add(writer, close | O_WRONLY << DESCRIPTOR_ACCESS_SHIFT, 0, write_end);
    if (error)
        (void)system_close(*read_end);
    return error;
}
