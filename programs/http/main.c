// http: fetches a file by HTTP/1.1 (RFC 9112): redirects, chunked bodies, resuming by ranges, a progress bar.
// Writes to standard output, or to a file.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/http/url.h"

enum { REDIRECTS_MAX = 10, PATIENCE = 30, LINE_BYTES = 8192, BLOCK_BYTES = 65536, HEADERS_MAX = 200 };

static struct {
    const char *file;
    bool resume, quiet, show_head;
    long long patience; // seconds without a byte
} options = {.patience = PATIENCE};

// What is read from the connection and not yet used.
static struct {
    int fd;
    size_t start, end;
    char bytes[BLOCK_BYTES];
} input;

struct answer {
    int status;
    uint64_t length, first, size; // of the body; where it begins in the file, and the file's
    bool has_length, chunked, has_first, has_size, broken;
    char location[URL_BYTES];
};

static struct {
    uint64_t done, total, start;
    struct timespec began, shown;
    bool shows;
} progress;

// --- the connection
static bool fill(void) {
    ssize_t count;
    do
        count = recv(input.fd, input.bytes, sizeof(input.bytes), 0);
    while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        program_fail("receiving", "the server has sent nothing for %lld s", options.patience);
    if (count < 0)
        program_fail("receiving", "%s", error_text(errno));
    input.start = 0;
    input.end = (size_t)count;
    return count > 0;
}

// A line without its end; false: the connection has ended.
static bool read_line(char *line, size_t size) {
    size_t length = 0;
    for (;;) {
        if (input.start == input.end && !fill())
            return false;
        char c = input.bytes[input.start++];
        if (c == '\n')
            break;
        if (length + 1 == size)
            program_fail("answer", "a line is too long");
        line[length++] = c;
    }
    if (length != 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    return true;
}

static int open_connection(const struct url *url) {
    struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(url->host, url->port, &hints, &list), fd = -1, reason = 0;
    if (error != 0)
        program_fail(url->host, "%s", gai_strerror(error));
    for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        struct timeval patience = {.tv_sec = options.patience};
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        }
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            reason = errno == EINPROGRESS ? ETIMEDOUT : errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        program_fail(url->host, "%s", error_text(reason));
    return fd;
}

// --- request and answer
static void send_request(const struct url *url, uint64_t from) {
    char text[URL_BYTES + 1024], range[64] = "";
    bool v6 = strchr(url->host, ':') != NULL;
    if (from != 0)
        snprintf(range, sizeof(range), "Range: bytes=%llu-\r\n", (unsigned long long)from);
    int length = snprintf(text, sizeof(text),
                          "GET %s HTTP/1.1\r\nHost: %s%s%s%s%s\r\nUser-Agent: keelson-http\r\nAccept: */*\r\n"
                          "%sConnection: close\r\n\r\n",
                          url->path, v6 ? "[" : "", url->host, v6 ? "]" : "", strcmp(url->port, "80") != 0 ? ":" : "",
                          strcmp(url->port, "80") != 0 ? url->port : "", range);
    for (int sent = 0; sent < length;) {
        ssize_t count = send(input.fd, text + sent, (size_t)(length - sent), MSG_NOSIGNAL);
        if (count < 0)
            program_fail("sending", "%s", error_text(errno));
        sent += (int)count;
    }
}

// Digits and nothing else. False: it is no number, or too large.
static bool read_number(const char *text, int base, uint64_t *number) {
    char *end;
    bool digit = (*text >= '0' && *text <= '9') || (base == 16 && strchr("abcdefABCDEF", *text) != NULL && *text != '\0');
    digit = digit && (base != 16 || (text[1] != 'x' && text[1] != 'X')); // no "0x5"
    errno = 0;
    *number = strtoull(text, &end, base);
    end += strspn(end, " \t");
    return digit && errno == 0 && *number <= INT64_MAX && (*end == '\0' || (base == 16 && *end == ';'));
}

// RFC 9110 section 14.4.
static void read_content_range(struct answer *answer, const char *value) {
    unsigned long long first, last, size;
    if (sscanf(value, "bytes %llu-%llu/%llu", &first, &last, &size) == 3 ||
        sscanf(value, "bytes %llu-%llu/*", &first, &last) == 2) {
        answer->first = first;
        answer->has_first = true;
    } else if (sscanf(value, "bytes */%llu", &size) == 1) {
        answer->size = size;
        answer->has_size = true;
    }
}

static void read_header(struct answer *answer, char *line) {
    char *value = strchr(line, ':');
    if (value == NULL)
        return;
    *value++ = '\0';
    value += strspn(value, " \t");
    if (strcasecmp(line, "Content-Length") == 0) {
        uint64_t length;
        bool right = read_number(value, 10, &length);
        answer->broken |= !right || (answer->has_length && answer->length != length);
        answer->length = length;
        answer->has_length = true;
    } else if (strcasecmp(line, "Transfer-Encoding") == 0) {
        answer->chunked = strcasecmp(value, "chunked") == 0;
        answer->broken |= !answer->chunked;
    } else if (strcasecmp(line, "Location") == 0) {
        answer->broken |= snprintf(answer->location, sizeof(answer->location), "%s", value) >= (int)sizeof(answer->location);
    } else if (strcasecmp(line, "Content-Range") == 0) {
        read_content_range(answer, value);
    }
}

// What a server says may not steer the terminal.
static void show_line(char *line) {
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    fprintf(stderr, "%s\n", line);
}

static void read_head(struct answer *answer) {
    static char line[LINE_BYTES];
    int headers = 0;
    do {
        *answer = (struct answer){0};
        if (!read_line(line, sizeof(line)) || sscanf(line, "HTTP/1.%*1d %3d", &answer->status) != 1)
            program_fail("answer", "this is not HTTP");
        if (options.show_head)
            show_line(line);
        for (;;) {
            if (!read_line(line, sizeof(line)))
                program_fail("answer", "it ends too early");
            if (line[0] == '\0')
                break;
            if (++headers > HEADERS_MAX)
                program_fail("answer", "too many headers");
            if (options.show_head)
                show_line(line);
            read_header(answer, line);
        }
    } while (answer->status >= 100 && answer->status < 200);
    if (answer->broken)
        program_fail("answer", "its head makes no sense");
}

// --- the body
static void show_progress(bool last) {
    struct timespec now;
    enum { WIDTH = 40 };
    char bar[WIDTH + 1];
    clock_gettime(CLOCK_MONOTONIC, &now);
    long since = (now.tv_sec - progress.shown.tv_sec) * 1000 + (now.tv_nsec - progress.shown.tv_nsec) / 1000000;
    if (!progress.shows || (since < 200 && !last))
        return;
    progress.shown = now;
    long all = (now.tv_sec - progress.began.tv_sec) * 1000 + (now.tv_nsec - progress.began.tv_nsec) / 1000000 + 1;
    unsigned long long rate = (progress.done - progress.start) * 1000 / (unsigned long)all / 1024;
    size_t filled = progress.total != 0 ? (size_t)(progress.done * WIDTH / progress.total) : 0;
    memset(bar, '.', WIDTH);
    memset(bar, '#', filled < WIDTH ? filled : WIDTH);
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %llu KiB, %llu KiB/s%s", bar, (unsigned long long)progress.done / 1024, rate, last ? "\n" : "");
}

static void write_body(int fd, const char *bytes, size_t size) {
    if (!descriptor_write(fd, bytes, size))
        program_fail(options.file != NULL ? options.file : "standard output", "%s", error_text(errno));
    progress.done += size;
    show_progress(false);
}

// `length` bytes; UINT64_MAX: to the end of the connection. False: it ended before.
static bool copy_body(int fd, uint64_t length) {
    while (length != 0) {
        if (input.start == input.end && !fill())
            return length == UINT64_MAX;
        size_t part = input.end - input.start;
        if (part > length)
            part = (size_t)length;
        write_body(fd, input.bytes + input.start, part);
        input.start += part;
        if (length != UINT64_MAX)
            length -= part;
    }
    return true;
}

// RFC 9112 section 7.1.
static bool copy_chunks(int fd) {
    char line[256];
    for (;;) {
        uint64_t size;
        if (!read_line(line, sizeof(line)))
            return false;
        if (!read_number(line, 16, &size))
            program_fail("answer", "a chunk has no length");
        if (size == 0)
            break;
        if (!copy_body(fd, size) || !read_line(line, sizeof(line)) || line[0] != '\0')
            return false;
    }
    while (read_line(line, sizeof(line)))
        if (line[0] == '\0')
            return true;
    return false;
}

static int open_output(const struct answer *answer, uint64_t from) {
    if (options.file == NULL)
        return STDOUT_FILENO;
    bool goes_on = from != 0 && answer->status == 206 && answer->has_first && answer->first == from;
    if (answer->status == 206 && !goes_on)
        program_fail("answer", "it is another range than was asked for");
    int fd = open(options.file, O_WRONLY | O_CREAT | (goes_on ? O_APPEND : O_TRUNC), 0666);
    if (fd < 0)
        program_fail(options.file, "%s", error_text(errno));
    progress.done = progress.start = goes_on ? from : 0;
    return fd;
}

static int receive(const struct answer *answer, uint64_t from) {
    int fd = open_output(answer, from);
    progress.total = answer->has_length ? progress.done + answer->length : 0;
    progress.shows = !options.quiet && options.file != NULL && isatty(STDERR_FILENO);
    clock_gettime(CLOCK_MONOTONIC, &progress.began);
    bool whole = answer->chunked ? copy_chunks(fd) : copy_body(fd, answer->has_length ? answer->length : UINT64_MAX);
    show_progress(true);
    if (options.file != NULL && close(fd) != 0)
        program_fail(options.file, "%s", error_text(errno));
    if (!whole)
        program_fail("answer", "the connection ended before the file did");
    return 0;
}

static int fetch(struct url *url) {
    struct answer answer;
    struct stat status;
    uint64_t from = options.resume && options.file != NULL && stat(options.file, &status) == 0 ? (uint64_t)status.st_size : 0;
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        input.fd = open_connection(url);
        input.start = input.end = 0;
        send_request(url, from);
        read_head(&answer);
        bool moved = answer.status >= 301 && answer.status <= 308 && answer.status != 304 && answer.status != 305;
        if (!moved || answer.location[0] == '\0') {
            if (answer.status == 416 && from != 0 && (!answer.has_size || answer.size == from))
                return 0; // it was whole already
            if (answer.status == 416 && from != 0)
                program_fail(options.file, "it is longer than the server's, which has %llu bytes",
                             (unsigned long long)answer.size);
            if (answer.status < 200 || answer.status > 299)
                program_fail(url->host, "the server answers %d", answer.status);
            return receive(&answer, from);
        }
        close(input.fd);
        if (!url_follow(url, answer.location))
            program_fail("answer", "it leads to what is no address of http");
    }
    program_fail(url->host, "too many redirects");
}

int main(int argc, char **argv) {
    struct url url;
    int option;
    program_start(argc, argv, "[-cqv] [-o FILE] [-t SECONDS] URL",
                  "  -c       go on with a file that is there in part\n"
                  "  -o FILE  write to FILE, with a progress bar\n"
                  "  -q       no progress bar\n"
                  "  -t SECONDS  give up when nothing comes for that long (30)\n"
                  "  -v       show the answer's head\n");
    while ((option = program_option("co:qt:v")) != -1) {
        options.resume |= option == 'c';
        options.quiet |= option == 'q';
        options.show_head |= option == 'v';
        if (option == 'o')
            options.file = program_argument;
        if (option == 't')
            options.patience = number_parse(program_argument, "a number of seconds");
    }
    if (program_operand_count != 1)
        program_usage_error("one address, please");
    if (options.patience < 1 || options.patience > 86400)
        program_usage_error("1 to 86400 seconds, please");
    if (!url_parse(program_operands[0], &url))
        program_usage_error("not an address of http: %s", program_operands[0]);
    return fetch(&url);
}
