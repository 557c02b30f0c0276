// What is answered to a request: a file, parts of one, or a page. Chosen here by the request alone; connection.c sends it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "programs/common/buffer.h"
#include "programs/httpd/request.h"

// Several ranges of a file in one answer (RFC 9110, 14.6).
struct parts {
    struct range ranges[RANGES_MOST];
    unsigned count, next; // count 0: the answer has no parts
    uint64_t size;        // of the file
    const char *type;
    char boundary[40];
};

// What an answer consists of, before it is put together.
struct answer {
    int status;
    const char *type;
    struct buffer page; // its content, unless `file`
    int file;           // -1: none
    uint64_t first, count, size;
    char date[32], tag[64];
    const char *location; // 301
    struct parts parts;
    bool fresh; // not to be kept by caches
};

// An empty answer; its page is to be freed.
void answer_init(struct answer *answer);
// The page of an error.
void answer_page(struct answer *answer, int status);
// Chooses; an open file is then the caller's to close.
void answer_make(struct answer *answer, const struct request *request);
// The status line and the fields, empty line included.
void answer_head_append(struct buffer *out, const struct answer *answer, bool keep_alive);
// What stands before part `number`, or with `number` the count of parts, behind the last.
void part_head_append(struct buffer *out, const struct parts *parts, unsigned number);
