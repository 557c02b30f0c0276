// See connection.h. Section numbers are of RFC 9110.
#include "programs/httpd/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"
#include "programs/httpd/cached.h"
#include "programs/httpd/content.h"
#include "programs/httpd/status.h"

enum {
    IDLE_MS = 30000,    // between requests, and to send one
    STALLED_MS = 60000, // for a client that takes nothing of its answer
    DRAIN_MS = 2000,
    BLOCK_BYTES = 64 * 1024,
    BODY_MOST = 1 << 20,
    SEND_TURN = 16,       // pieces that one connection may send before it is another's turn
    TURN_BYTES = 1 << 20, // of a file, the same
};

struct server server;
static char block[BLOCK_BYTES];

int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void connection_init(struct connection *connection, int socket) {
    *connection = (struct connection){.socket = socket, .file = -1, .deadline = now_ms() + IDLE_MS};
    buffer_init(&connection->in);
    buffer_init(&connection->out);
}

void connection_free(struct connection *connection) {
    if (connection->file >= 0)
        close(connection->file);
    close(connection->socket);
    buffer_free(&connection->in);
    buffer_free(&connection->out);
}

bool connection_wants_to_write(const struct connection *connection) {
    return connection->state == CONNECTION_WRITES;
}

// What an answer consists of, before it is put together.
struct answer {
    int status;
    const char *type;
    struct buffer page; // its content, unless `file`
    int file;           // -1: none
    const struct cached *cached;
    uint64_t first, count, size;
    char date[32], tag[64];
    const char *location; // 301
    struct parts parts;
    bool fresh; // not to be kept by caches
};

static void answer_page(struct answer *answer, int status) {
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
static void part_head_append(struct buffer *out, const struct parts *parts, unsigned number) {
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

// What is asked for in parts is read from the file.
static bool answer_open(struct answer *answer, const struct request *request, const char *path, const struct stat *info) {
    answer->cached = request->range[0] ? NULL : cache_find(path, info);
    if (answer->cached)
        return true;
    answer->file = open(path, O_RDONLY | O_CLOEXEC);
    if (answer->file < 0) {
        answer_page(answer, errno == EACCES ? 403 : errno == EMFILE || errno == ENFILE ? 503 : 404);
        return false;
    }
    answer->cached = request->range[0] ? NULL : cache_fill(path, info, answer->file);
    if (answer->cached) {
        close(answer->file);
        answer->file = -1;
    }
    return true;
}

static void answer_file(struct answer *answer, const struct request *request, const char *path, const struct stat *info) {
    if (!answer_open(answer, request, path, info))
        return;
    answer->status = 200;
    answer->type = media_type(path);
    answer->size = answer->count = (uint64_t)info->st_size;
    if (answer->cached) {
        memcpy(answer->date, answer->cached->date, sizeof(answer->date));
        memcpy(answer->tag, answer->cached->tag, sizeof(answer->tag));
    } else {
        date_text(info->st_mtim.tv_sec, answer->date);
        tag_text(info, answer->tag);
    }
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
    if (path_look(index, &info) && S_ISREG(info.st_mode)) {
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
    if (!path_look(*path ? path : server.directory, &info))
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

static void answer_make(struct answer *answer, const struct request *request) {
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

// Once a second.
static const char *date_now(void) {
    static time_t made;
    static char text[32];
    time_t now = time(NULL);
    if (now != made)
        date_text(now, text);
    made = now;
    return text;
}

// What says what is sent.
static void description_append(struct buffer *out, const struct answer *answer) {
    bool is_file = answer->file >= 0 || answer->cached;
    if (answer->cached && answer->status == 200) {
        buffer_append(out, answer->cached->fields.data, answer->cached->fields.length);
        return;
    }
    if (is_file)
        fields_append(out, answer->date, answer->tag);
    if (answer->status == 206 && answer->parts.count == 0)
        buffer_format(out, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)answer->first,
                      (unsigned long long)(answer->first + answer->count - 1), (unsigned long long)answer->size);
    if (answer->status == 416)
        buffer_format(out, "Content-Range: bytes */%llu\r\n", (unsigned long long)answer->size);
    uint64_t length = is_file ? answer->count : answer->page.length;
    if (answer->parts.count != 0)
        buffer_format(out, "Content-Type: multipart/byteranges; boundary=%s\r\nContent-Length: %llu\r\n", answer->parts.boundary,
                      (unsigned long long)length);
    else if (answer->status != 304)
        content_append(out, answer->type, length);
}

static void head_append(struct connection *connection, const struct answer *answer) {
    struct buffer *out = &connection->out;
    if (answer->status == 200)
        buffer_append_text(out, "HTTP/1.1 200 OK\r\nDate: ");
    else
        buffer_format(out, "HTTP/1.1 %d %s\r\nDate: ", answer->status, status_phrase(answer->status));
    buffer_append_text(out, date_now());
    buffer_append_text(out, "\r\nServer: Keelson\r\n");
    description_append(out, answer);
    if (answer->status == 405)
        buffer_append_text(out, "Allow: GET, HEAD\r\n");
    if (answer->location) {
        buffer_append_text(out, "Location: ");
        url_append(out, answer->location);
        buffer_append_text(out, "/\r\n");
    }
    if (answer->fresh)
        buffer_append_text(out, "Cache-Control: no-store\r\n");
    buffer_append_text(out, connection->keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

// A small file lies behind the head at once: one segment, and the peer need not acknowledge the head before the rest may come.
// False: it is to be sent bit by bit.
static bool small_file_append(struct connection *connection, const struct answer *answer) {
    size_t length = connection->out.length;
    if (answer->parts.count != 0 || answer->count > SMALL_BYTES)
        return false;
    for (uint64_t done = 0; done < answer->count;) {
        ssize_t got = pread(answer->file, block, (size_t)(answer->count - done), (off_t)(answer->first + done));
        if (got <= 0) { // the file has become shorter: answer_send notices
            connection->out.length = length;
            return false;
        }
        buffer_append(&connection->out, block, (size_t)got);
        done += (uint64_t)got;
    }
    return true;
}

// Puts the answer into the connection. `request` NULL: there was none that could be understood.
static void answer_begin(struct connection *connection, const struct request *request, struct answer *answer) {
    bool body = answer->status != 304 && !(request && request->method == METHOD_HEAD);
    buffer_clear(&connection->out);
    connection->out_sent = 0;
    head_append(connection, answer);
    if (answer->cached) {
        if (body)
            buffer_append(&connection->out, answer->cached->data.data, (size_t)answer->count);
    } else if (body && answer->file >= 0 && !small_file_append(connection, answer)) {
        connection->file = answer->file;
        connection->parts = answer->parts;
        connection->file_at = answer->first;
        connection->file_left = answer->parts.count != 0 ? 0 : answer->count;
    } else {
        if (answer->file >= 0)
            close(answer->file);
        else if (body)
            buffer_append(&connection->out, answer->page.data, answer->page.length);
    }
    if (server.verbose) {
        printf("%d %s %s\n", answer->status, request && request->method == METHOD_HEAD ? "HEAD" : "GET",
               request ? request->path : "-");
        fflush(stdout);
    }
    server.counts.requests++;
    buffer_free(&answer->page);
    connection->state = CONNECTION_WRITES;
    connection->deadline = now_ms() + STALLED_MS;
}

static void refuse(struct connection *connection, int status) {
    struct answer answer = {.file = -1};
    buffer_init(&answer.page);
    connection->keep_alive = false;
    connection->body_left = 0;
    answer_page(&answer, status);
    answer_begin(connection, NULL, &answer);
}

// Takes the next request out of what was read. False: it is not whole yet.
static bool request_take(struct connection *connection) {
    struct buffer *in = &connection->in;
    if (connection->body_left != 0) {
        size_t skipped = in->length < connection->body_left ? in->length : (size_t)connection->body_left;
        buffer_replace(in, 0, skipped, "", 0);
        connection->body_left -= skipped;
        if (connection->body_left != 0)
            return false;
    }
    size_t head = request_head_length(in->data, in->length);
    if (head == 0 && in->length <= REQUEST_HEAD_MOST)
        return false;
    struct request request;
    int status = head == 0 ? 431 : request_parse(&request, in->data, head);
    if (status == 0 && request.body_length > BODY_MOST)
        status = 413;
    if (status != 0) {
        refuse(connection, status);
        return true;
    }
    buffer_replace(in, 0, head, "", 0);
    connection->body_left = request.body_length;
    connection->keep_alive = request.keep_alive;
    connection->requests++;
    struct answer answer = {.file = -1};
    buffer_init(&answer.page);
    answer_make(&answer, &request);
    answer_begin(connection, &request, &answer);
    return true;
}

static void answer_end(struct connection *connection) {
    if (connection->file >= 0)
        close(connection->file);
    connection->file = -1;
    if (connection->keep_alive) {
        connection->state = CONNECTION_READS;
        connection->deadline = now_ms() + IDLE_MS;
        return;
    }
    shutdown(connection->socket, SHUT_WR);
    connection->state = CONNECTION_DRAINS;
    connection->deadline = now_ms() + DRAIN_MS;
}

static void sent_note(struct connection *connection, size_t count) {
    server.counts.bytes += count;
    connection->deadline = now_ms() + STALLED_MS;
}

// Sends; false: the socket takes no more now, or the connection ends.
static bool send_some(struct connection *connection, const char *data, size_t length, size_t *sent) {
    ssize_t count = send(connection->socket, data, length, MSG_NOSIGNAL);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR))
            connection->state = CONNECTION_ENDS;
        return false;
    }
    *sent = (size_t)count;
    sent_note(connection, (size_t)count);
    return true;
}

// The next part's head, or the end behind the last. False: there is no more.
static bool part_next(struct connection *connection) {
    struct parts *parts = &connection->parts;
    if (connection->file < 0 || parts->count == 0 || parts->next > parts->count)
        return false;
    buffer_clear(&connection->out);
    connection->out_sent = 0;
    part_head_append(&connection->out, parts, parts->next);
    if (parts->next < parts->count) {
        connection->file_at = parts->ranges[parts->next].first;
        connection->file_left = parts->ranges[parts->next].count;
    }
    parts->next++;
    return true;
}

// A turn's worth of the file. The card reads it where it can, so nothing of it comes by here.
static bool file_send(struct connection *connection) {
    off_t at = (off_t)connection->file_at;
    size_t wanted = connection->file_left < TURN_BYTES ? (size_t)connection->file_left : TURN_BYTES;
    ssize_t sent = sendfile(connection->socket, connection->file, &at, wanted);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (sent <= 0) { // the file has become shorter: the client must notice
        connection->state = CONNECTION_ENDS;
        return false;
    }
    sent_note(connection, (size_t)sent);
    connection->file_at += (uint64_t)sent;
    connection->file_left -= (uint64_t)sent;
    return connection->file_left == 0;
}

// False: nothing more can be sent in this turn.
static bool answer_send(struct connection *connection) {
    size_t sent;
    if (connection->out_sent < connection->out.length) {
        if (!send_some(connection, connection->out.data + connection->out_sent, connection->out.length - connection->out_sent,
                       &sent))
            return false;
        connection->out_sent += sent;
        return true;
    }
    if (connection->file < 0 || connection->file_left == 0) {
        if (part_next(connection))
            return true;
        answer_end(connection);
        return connection->state == CONNECTION_READS;
    }
    return file_send(connection);
}

static void input_read(struct connection *connection) {
    ssize_t count = recv(connection->socket, block, sizeof(block), 0);
    if (count > 0 && connection->state == CONNECTION_READS) {
        buffer_append(&connection->in, block, (size_t)count);
    } else if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        connection->state = CONNECTION_ENDS;
    }
}

void connection_work(struct connection *connection, bool readable) {
    if (readable && connection->state != CONNECTION_WRITES)
        input_read(connection);
    for (int turn = 0; turn < SEND_TURN; turn++) {
        if (connection->state == CONNECTION_READS && !request_take(connection))
            return;
        if (connection->state != CONNECTION_WRITES || !answer_send(connection))
            return;
    }
    if (connection->state == CONNECTION_READS) // a request that was read already: nothing will tell of it
        (void)request_take(connection);
}

void connection_expire(struct connection *connection) {
    if (connection->state == CONNECTION_READS && connection->in.length != 0)
        refuse(connection, 408);
    else
        connection->state = CONNECTION_ENDS;
}
