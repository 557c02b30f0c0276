// See answer.h. Section numbers are of RFC 9110.
#include "programs/httpd/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/httpd/connection.h"
#include "programs/httpd/content.h"
#include "programs/httpd/status.h"

void answer_init(struct answer *answer) {
    *answer = (struct answer){.file = -1};
    buffer_init(&answer->page);
}

void answer_page(struct answer *answer, int status) {
    answer->status = status;
    answer->type = "text/html; charset=utf-8";
    error_page(&answer->page, status);
}

// 13.2.2: If-None-Match counts, else If-Modified-Since.
static bool is_unchanged(const struct request *request, const struct answer *answer, time_t changed) {
    time_t since;
    if (request->if_none_match[0])
        return tag_listed(request->if_none_match, answer->tag);
    return date_parse(request->if_modified_since, &since) && changed <= since;
}

// What stands before a part, or behind the last one (14.6).
void part_head_append(struct buffer *out, const struct parts *parts, unsigned number) {
    const struct range *range = &parts->ranges[number];
    buffer_format(out, "\r\n--%s", parts->boundary);
    if (number == parts->count)
        buffer_append_text(out, "--\r\n");
    else
        buffer_format(out, "\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n", parts->type,
                      (unsigned long long)range->first, (unsigned long long)(range->first + range->count - 1),
                      (unsigned long long)parts->size);
}

// Several ranges: the answer's length is that of all parts with their heads.
static void parts_begin(struct answer *answer, unsigned count) {
    static unsigned answers;
    struct parts *parts = &answer->parts;
    struct buffer heads;
    parts->count = count;
    parts->next = 0;
    parts->size = answer->size;
    parts->type = answer->type;
    (void)snprintf(parts->boundary, sizeof(parts->boundary), "part-%llx-%x", (unsigned long long)now_ms(), ++answers);
    buffer_init(&heads);
    answer->count = 0;
    for (unsigned i = 0; i <= count; i++) {
        part_head_append(&heads, parts, i);
        answer->count += i < count ? parts->ranges[i].count : 0;
    }
    answer->count += heads.length;
    buffer_free(&heads);
}

static void answer_file(struct answer *answer, const struct request *request, const char *path, const struct stat *info) {
    answer->file = open(path, O_RDONLY | O_CLOEXEC);
    if (answer->file < 0) {
        answer_page(answer, errno == EACCES ? 403 : errno == EMFILE || errno == ENFILE ? 503 : 404);
        return;
    }
    answer->status = 200;
    answer->type = media_type(path);
    answer->size = answer->count = (uint64_t)info->st_size;
    date_text(info->st_mtim.tv_sec, answer->date);
    tag_text(info, answer->tag);
    if (is_unchanged(request, answer, info->st_mtim.tv_sec)) {
        answer->status = 304;
        return;
    }
    bool same = !request->if_range[0] || strcmp(request->if_range, answer->tag) == 0 ||
                strcmp(request->if_range, answer->date) == 0; // 13.1.5
    if (!request->range[0] || !same || request->method != METHOD_GET)
        return;
    unsigned count;
    enum range_result result = ranges_parse(request->range, answer->size, answer->parts.ranges, &count);
    if (result == RANGE_PART && count == 1) {
        answer->status = 206;
        answer->first = answer->parts.ranges[0].first;
        answer->count = answer->parts.ranges[0].count;
    } else if (result == RANGE_PART) {
        answer->status = 206;
        parts_begin(answer, count);
    } else if (result == RANGE_UNSATISFIABLE) {
        close(answer->file);
        answer->file = -1;
        answer_page(answer, 416);
    }
}

static void answer_directory(struct answer *answer, const struct request *request, const char *path) {
    char *index = path_join(path, "index.html");
    struct stat info;
    if (stat(index, &info) == 0 && S_ISREG(info.st_mode)) {
        answer_file(answer, request, index, &info);
    } else if (directory_page(&answer->page, path, request->path)) {
        answer->status = 200;
        answer->type = "text/html; charset=utf-8";
    } else {
        answer_page(answer, errno == EACCES ? 403 : 404);
    }
    free(index);
}

static void answer_path(struct answer *answer, const struct request *request) {
    char *path = path_join(server.directory, request->path + 1);
    struct stat info;
    size_t length = strlen(request->path);
    bool slash = request->path[length - 1] == '/';
    if (stat(*path ? path : server.directory, &info) != 0)
        answer_page(answer, errno == EACCES ? 403 : 404);
    else if (S_ISDIR(info.st_mode) && !slash)
        answer->location = request->path, answer_page(answer, 301);
    else if (S_ISDIR(info.st_mode))
        answer_directory(answer, request, path);
    else if (S_ISREG(info.st_mode) && !slash)
        answer_file(answer, request, path, &info);
    else
        answer_page(answer, 404);
    free(path);
}

void answer_make(struct answer *answer, const struct request *request) {
    if (request->method == METHOD_OTHER) {
        answer_page(answer, 405);
    } else if (strcmp(request->path, "/status") == 0) {
        answer->status = 200;
        answer->type = "text/html; charset=utf-8";
        buffer_append_text(&answer->page, status_page);
        answer->fresh = true;
    } else if (strcmp(request->path, "/status.json") == 0) {
        answer->status = 200;
        answer->type = "application/json";
        status_json(&answer->page);
        answer->fresh = true;
    } else {
        answer_path(answer, request);
    }
}

void answer_head_append(struct buffer *out, const struct answer *answer, bool keep_alive) {
    char date[32];
    date_text(time(NULL), date);
    buffer_format(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: Keelson\r\n", answer->status, status_phrase(answer->status), date);
    if (answer->file >= 0)
        buffer_format(out, "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n", answer->date, answer->tag);
    if (answer->status == 206 && answer->parts.count == 0)
        buffer_format(out, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)answer->first,
                      (unsigned long long)(answer->first + answer->count - 1), (unsigned long long)answer->size);
    if (answer->status == 416)
        buffer_format(out, "Content-Range: bytes */%llu\r\n", (unsigned long long)answer->size);
    if (answer->status == 405)
        buffer_append_text(out, "Allow: GET, HEAD\r\n");
    if (answer->location) {
        buffer_append_text(out, "Location: ");
        url_append(out, answer->location);
        buffer_append_text(out, "/\r\n");
    }
    if (answer->fresh)
        buffer_append_text(out, "Cache-Control: no-store\r\n");
    if (answer->status != 304) {
        uint64_t length = answer->file >= 0 ? answer->count : answer->page.length;
        if (answer->parts.count != 0)
            buffer_format(out, "Content-Type: multipart/byteranges; boundary=%s\r\n", answer->parts.boundary);
        else
            buffer_format(out, "Content-Type: %s\r\n", answer->type);
        buffer_format(out, "Content-Length: %llu\r\n", (unsigned long long)length);
    }
    buffer_format(out, "Connection: %s\r\n\r\n", keep_alive ? "keep-alive" : "close");
}
