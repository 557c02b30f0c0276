// See connection.h. Section numbers are of RFC 9110.
#include "programs/httpd/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/httpd/answer.h"

enum {
    IDLE_MS = 30000,    // between requests, and to send one
    STALLED_MS = 60000, // for a client that takes nothing of its answer
    DRAIN_MS = 2000,
    BLOCK_BYTES = 64 * 1024,
    BODY_MOST = 1 << 20,
    SMALL_BYTES = 16 * 1024, // of a file that goes out behind its head, in one piece
    SEND_TURN = 16,          // blocks that one connection may send before it is another's turn
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
    answer_head_append(&connection->out, answer, connection->keep_alive);
    if (body && answer->file >= 0 && !small_file_append(connection, answer)) {
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
    struct answer answer;
    answer_init(&answer);
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
    struct answer answer;
    answer_init(&answer);
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

// Sends; false: the socket takes no more now, or the connection ends.
static bool send_some(struct connection *connection, const char *data, size_t length, size_t *sent) {
    ssize_t count = send(connection->socket, data, length, MSG_NOSIGNAL);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            connection->state = CONNECTION_ENDS;
        return false;
    }
    *sent = (size_t)count;
    server.counts.bytes += (uint64_t)count;
    connection->deadline = now_ms() + STALLED_MS;
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
    size_t wanted = connection->file_left < BLOCK_BYTES ? (size_t)connection->file_left : BLOCK_BYTES;
    ssize_t got = pread(connection->file, block, wanted, (off_t)connection->file_at);
    if (got <= 0) { // the file has become shorter: the client must notice
        connection->state = CONNECTION_ENDS;
        return false;
    }
    if (!send_some(connection, block, (size_t)got, &sent))
        return false;
    connection->file_at += sent;
    connection->file_left -= sent;
    return true;
}

static void input_read(struct connection *connection) {
    ssize_t count = recv(connection->socket, block, sizeof(block), 0);
    if (count > 0 && connection->state == CONNECTION_READS) {
        buffer_append(&connection->in, block, (size_t)count);
    } else if (count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
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
