// What a path of the served directory becomes: a file, a page that lists a directory, or an error. Used by
// connection.c.
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "programs/common/buffer.h"

// The media type of a file by the end of its name (RFC 9110, 8.3); application/octet-stream if unknown.
const char *media_type(const char *path);

// The phrase of a status code.
const char *status_phrase(int status);

// "Sat, 21 Nov 2026 19:00:00 GMT" (RFC 9110, 5.6.7); `text` holds 32 bytes.
void date_text(time_t time, char *text);
// Reads a date of that form, the one that clients send. False: it is none.
bool date_parse(const char *text, time_t *time);

// `"size-seconds-nanoseconds"` of a file; `text` holds 64 bytes.
void tag_text(const struct stat *status, char *text);

// Text with the characters that mean something in HTML escaped; and as a part of a URL.
void html_append(struct buffer *page, const char *text);
void url_append(struct buffer *page, const char *text);

// A small page that says what is wrong.
void error_page(struct buffer *page, int status);

// The names in a directory, folders first, with sizes and times. `path` is the URL's. False with errno.
bool directory_page(struct buffer *page, const char *directory, const char *path);
