// Small files that were asked for, in memory: what stat() says of a file tells whether it is still the same, for all requests
// that poll found at once. A file system's times may be whole seconds, so what was written just now is not kept.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "programs/common/buffer.h"

enum { SMALL_BYTES = 16 * 1024 }; // of a file that goes out behind its head, in one piece

struct cached {
    char *path;
    struct stat info;
    struct buffer data;
    struct buffer fields; // of the head, if all of it is sent
    char date[32], tag[64];
    uint64_t looked_at; // turn of the server
};

// What `path` is, by stat() or by the look at it in this turn. False: errno says why.
bool path_look(const char *path, struct stat *info);

// The file as it is kept, if it still is what `info` says; else NULL.
const struct cached *cache_find(const char *path, const struct stat *info);
// Keeps it. NULL: it is too large, too fresh or could not be read.
const struct cached *cache_fill(const char *path, const struct stat *info, int file);

// Fields of an answer's head: of a file; of any content.
void fields_append(struct buffer *out, const char *date, const char *tag);
void content_append(struct buffer *out, const char *type, uint64_t length);
