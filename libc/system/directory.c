// Reading directories: records of the file protocol become struct dirent, one for one.
#include <dirent.h>
#include <string.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libc/system/status.h"

enum { ENTRIES_BYTES = 4096 };

static size_t dirent_bytes(size_t name_length) {
    return (offsetof(struct dirent, d_name) + name_length + 1 + 7) & ~(size_t)7;
}

static size_t convert(const struct directory_entry *entry, const char *name, char *buffer, size_t size) {
    size_t length = dirent_bytes(entry->name_length);
    if (length > size)
        return 0;
    struct dirent *record = (struct dirent *)(void *)buffer;
    record->d_ino = entry->inode;
    record->d_off = (off_t)entry->cursor;
    record->d_reclen = (unsigned short)length;
    record->d_type = (unsigned char)(status_mode_of_kind(entry->kind) >> 12);
    memcpy(record->d_name, name, entry->name_length);
    record->d_name[entry->name_length] = 0;
    return length;
}

error_t system_read_directory(int fd, void *buffer, size_t size, size_t *done) {
    struct descriptor *descriptor;
    char entries[ENTRIES_BYTES] __attribute__((aligned(8)));
    uint64_t cursor, count;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = file_read_directory(descriptor->file, descriptor->cursor, entries,
                                    size < sizeof(entries) ? size : sizeof(entries), &cursor, &count);
    if (error)
        return error;
    size_t used = 0;
    for (uint64_t at = 0; at + sizeof(struct directory_entry) <= count;) {
        struct directory_entry entry;
        memcpy(&entry, entries + at, sizeof(entry));
        if (entry.length < sizeof(entry) + entry.name_length || entry.length > count - at)
            return ERR_PROTOCOL;
        size_t length = convert(&entry, entries + at + sizeof(entry), (char *)buffer + used, size - used);
        if (length == 0)
            break;
        used += length;
        at += entry.length;
        descriptor->cursor = entry.cursor;
    }
    *done = used;
    return ERR_OK;
}
