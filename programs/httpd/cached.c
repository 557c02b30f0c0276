// See cached.h.
#include "programs/httpd/cached.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/httpd/connection.h"
#include "programs/httpd/content.h"

enum { CACHED_FILES = 32, FRESH_SECONDS = 2 };

static struct cached cache[CACHED_FILES];

static struct cached *cache_named(const char *path) {
    for (unsigned i = 0; i < CACHED_FILES; i++)
        if (cache[i].path && strcmp(cache[i].path, path) == 0)
            return &cache[i];
    return NULL;
}

bool path_look(const char *path, struct stat *info) {
    const struct cached *known = cache_named(path);
    if (known && known->looked_at == server.turn)
        *info = known->info;
    else if (stat(path, info) != 0)
        return false;
    return true;
}

const struct cached *cache_find(const char *path, const struct stat *info) {
    struct cached *known = cache_named(path);
    const struct stat *old = known ? &known->info : NULL;
    if (!known || old->st_ino != info->st_ino || old->st_dev != info->st_dev || old->st_size != info->st_size ||
        old->st_mtim.tv_sec != info->st_mtim.tv_sec || old->st_mtim.tv_nsec != info->st_mtim.tv_nsec)
        return NULL;
    known->looked_at = server.turn;
    return known;
}

void fields_append(struct buffer *out, const char *date, const char *tag) {
    buffer_format(out, "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n", date, tag);
}

void content_append(struct buffer *out, const char *type, uint64_t length) {
    buffer_format(out, "Content-Type: %s\r\nContent-Length: %llu\r\n", type, (unsigned long long)length);
}

const struct cached *cache_fill(const char *path, const struct stat *info, int file) {
    static char block[SMALL_BYTES + 1];
    static unsigned next;
    time_t now = time(NULL);
    if (info->st_size > SMALL_BYTES || info->st_mtim.tv_sec > now - FRESH_SECONDS ||
        pread(file, block, sizeof(block), 0) != info->st_size)
        return NULL;
    struct cached *entry = cache_named(path); // the same file, as it was
    if (!entry)
        entry = &cache[next++ % CACHED_FILES];
    free(entry->path);
    buffer_free(&entry->data);
    buffer_free(&entry->fields);
    *entry = (struct cached){.path = string_copy(path), .info = *info, .looked_at = server.turn};
    buffer_init(&entry->data);
    buffer_init(&entry->fields);
    buffer_append(&entry->data, block, (size_t)info->st_size);
    date_text(info->st_mtim.tv_sec, entry->date);
    tag_text(info, entry->tag);
    fields_append(&entry->fields, entry->date, entry->tag);
    content_append(&entry->fields, media_type(path), (uint64_t)info->st_size);
    return entry;
}
