// An HTTP/1.1 request's head (RFC 9112, RFC 9110), parsed out of bytes that somebody sent. Pure: no input
// makes it read outside of them, and nothing is kept of what can't be.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_HEAD_MOST = 16 * 1024, REQUEST_PATH_MOST = 1024, REQUEST_FIELD_MOST = 128, RANGES_MOST = 8 };

enum request_method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

struct request {
    enum request_method method;
    bool keep_alive;              // the connection goes on afterwards (RFC 9112, 9.3)
    char path[REQUEST_PATH_MOST]; // decoded, absolute, without dot segments; a last slash stays
    char query[REQUEST_FIELD_MOST];
    uint64_t body_length;           // to be skipped
    char range[REQUEST_FIELD_MOST]; // values of fields; empty: not there
    char if_range[REQUEST_FIELD_MOST];
    char if_none_match[REQUEST_FIELD_MOST];
    char if_modified_since[REQUEST_FIELD_MOST];
};

// Bytes of the head at the beginning of `text`, its empty line included; 0: it is not whole yet. Empty lines
// before it count as part of it (RFC 9112, 2.2).
size_t request_head_length(const char *text, size_t length);

// Parses a head of that length. 0, or the status to answer with (400, 414, 431, 501, 505); the connection
// then ends.
int request_parse(struct request *request, const char *text, size_t length);

struct range {
    uint64_t first, count;
};
enum range_result { RANGE_NONE, RANGE_PART, RANGE_UNSATISFIABLE };

// What a Range field asks of `size` bytes (RFC 9110, 14.1.2): up to RANGES_MOST parts, as they were asked for. RANGE_NONE: all of
// it, also where it is not understood, or asks for more than there is (14.2: what it asks for may be ignored).
enum range_result ranges_parse(const char *text, uint64_t size, struct range *ranges, unsigned *count);

// Whether a list of entity tags names this one, or any (RFC 9110, 13.1.2).
bool tag_listed(const char *list, const char *tag);
