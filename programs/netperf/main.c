// netperf: measures a connection between two machines, of which one runs `netperf -s`. Built for the host as
// well, so that either side may be Linux. The client says in one line what it wants ("KIND SECONDS"); both
// sides count.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE // sendmmsg and recvmmsg, on Linux
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/program.h"

enum { PORT = 5201, BLOCK = 65536, DATAGRAM = 1400, LINE = 64, SAMPLES = 4096, ROUND_BYTES = 1, UDP_END = 8, UDP_BATCH = 32 };

static char block[BLOCK];

// Datagrams of one call.
static struct batch {
    struct mmsghdr messages[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct sockaddr_storage names[UDP_BATCH];
    char bytes[UDP_BATCH][DATAGRAM];
} batch;
static const char *port_text = "5201";

static int64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

// -1 with errno if the other side does not take the connection.
static int try_client(const char *host, int type) {
    struct addrinfo hints = {.ai_socktype = type}, *list;
    int error = getaddrinfo(host, port_text, &hints, &list);
    if (error != 0)
        program_fail(host, "%s", gai_strerror(error));
    int made = socket(list->ai_family, type, 0), on = 1;
    if (made < 0)
        program_fail(host, "%s", error_text(errno));
    if (connect(made, list->ai_addr, list->ai_addrlen) != 0) {
        int reason = errno;
        close(made);
        made = -1;
        errno = reason;
    } else if (type == SOCK_STREAM) {
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    freeaddrinfo(list);
    return made;
}

static int open_client(const char *host, int type) {
    int made = try_client(host, type);
    if (made < 0)
        program_fail(host, "%s", error_text(errno));
    return made;
}

static bool send_all(int socket, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(socket, data, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int socket, char *data, size_t length) {
    while (length > 0) {
        ssize_t got = recv(socket, data, length, 0);
        if (got <= 0)
            return false;
        data += got;
        length -= (size_t)got;
    }
    return true;
}

// A line; what follows it belongs to the measurement, and stays.
static bool line_receive(int socket, char *line) {
    for (size_t length = 0; length + 1 < LINE;) {
        char *begin = line + length;
        ssize_t seen = recv(socket, begin, LINE - 1 - length, MSG_PEEK);
        char *end = seen > 0 ? memchr(begin, '\n', (size_t)seen) : NULL;
        ssize_t taken = end ? end + 1 - begin : seen;
        if (seen <= 0 || recv(socket, begin, (size_t)taken, 0) != taken)
            return false;
        if (end) {
            *end = '\0';
            return true;
        }
        length += (size_t)taken;
    }
    return false;
}

static uint64_t send_for(int socket, int64_t seconds) {
    uint64_t bytes = 0;
    for (int64_t end = now_us() + seconds * 1000000; now_us() < end; bytes += BLOCK)
        if (!send_all(socket, block, BLOCK))
            break;
    shutdown(socket, SHUT_WR);
    return bytes;
}

static uint64_t receive_until_end(int socket) {
    uint64_t bytes = 0;
    for (ssize_t got; (got = recv(socket, block, BLOCK, 0)) > 0;)
        bytes += (uint64_t)got;
    return bytes;
}

static void rate_print(const char *what, uint64_t bytes, int64_t time_us) {
    uint64_t kilobits = time_us > 0 ? bytes * 8000 / (uint64_t)time_us : 0;
    printf("%s: %llu bytes in %lld.%03lld s, %llu.%03llu Mbit/s\n", what, (unsigned long long)bytes, (long long)time_us / 1000000,
           (long long)time_us / 1000 % 1000, (unsigned long long)kilobits / 1000, (unsigned long long)kilobits % 1000);
}

// --- the server

static void serve_one(int socket) {
    char line[LINE], kind[LINE];
    int seconds, on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!line_receive(socket, line) || sscanf(line, "%15s %d", kind, &seconds) != 2)
        return;
    if (strcmp(kind, "send") == 0) { // the client sends
        uint64_t bytes = receive_until_end(socket);
        int length = snprintf(line, sizeof(line), "%llu\n", (unsigned long long)bytes);
        send_all(socket, line, (size_t)length);
    } else if (strcmp(kind, "receive") == 0 && seconds >= 0) {
        send_for(socket, seconds);
        char end;
        (void)recv(socket, &end, 1, 0); // the client has all of it
    } else if (strcmp(kind, "round") == 0) {
        while (receive_all(socket, block, ROUND_BYTES) && send_all(socket, block, ROUND_BYTES)) {
        }
    } else if (strcmp(kind, "connect") == 0) {
        send_all(socket, "1\n", 2);
    }
}

// As many of a batch's datagrams as are sent, all of the same bytes.
static uint64_t datagrams_send(int socket, struct sockaddr_storage *to, socklen_t length) {
    struct iovec part = {block, DATAGRAM};
    for (int i = 0; i < UDP_BATCH; i++)
        batch.messages[i].msg_hdr = (struct msghdr){.msg_name = to, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1};
    int sent = sendmmsg(socket, batch.messages, UDP_BATCH, 0);
    return sent > 0 ? (uint64_t)sent : 0;
}

// How many are there now, up to a batch; they lie in it.
static int datagrams_receive(int socket) {
    for (int i = 0; i < UDP_BATCH; i++) {
        batch.parts[i] = (struct iovec){batch.bytes[i], DATAGRAM};
        batch.messages[i].msg_hdr = (struct msghdr){
            .msg_name = &batch.names[i], .msg_namelen = sizeof(batch.names[i]), .msg_iov = &batch.parts[i], .msg_iovlen = 1};
    }
    int got = recvmmsg(socket, batch.messages, UDP_BATCH, MSG_DONTWAIT, NULL);
    return got > 0 ? got : 0;
}

// Datagrams: counts those of a run; one of UDP_END bytes asks how many, or for datagrams.
static void serve_datagram(int socket, const char *bytes, unsigned size, struct sockaddr_storage *from, socklen_t length) {
    static uint64_t count, sum;
    if (size > UDP_END) {
        count++;
        sum += size;
        return;
    }
    if (bytes[0] == 's') {
        for (int64_t end = now_us() + (int64_t)bytes[1] * 1000000; now_us() < end;)
            (void)datagrams_send(socket, from, length);
        return;
    }
    char answer[LINE];
    int written = snprintf(answer, sizeof(answer), "%llu %llu\n", (unsigned long long)count, (unsigned long long)sum);
    (void)sendto(socket, answer, (size_t)written, 0, (struct sockaddr *)from, length);
    if (bytes[0] == 'b') // a run begins
        count = sum = 0;
}

static void serve_datagrams(int socket) {
    int got = datagrams_receive(socket);
    for (int i = 0; i < got; i++) {
        char start[UDP_END];
        struct sockaddr_storage from = batch.names[i];
        unsigned size = batch.messages[i].msg_len;
        memcpy(start, batch.bytes[i], sizeof(start)); // what it asks for may use the batch
        serve_datagram(socket, start, size, &from, batch.messages[i].msg_hdr.msg_namelen);
    }
}

static int open_server(int type) {
    int made = socket(AF_INET6, type, 0), on = 1, off = 0;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port_text))};
    if (made >= 0) {
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        if (bind(made, (struct sockaddr *)&any, sizeof(any)) == 0)
            return made;
        close(made);
    }
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = any.sin6_port};
    made = socket(AF_INET, type, 0);
    if (made >= 0)
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (made < 0 || bind(made, (struct sockaddr *)&any4, sizeof(any4)) != 0)
        program_fail(port_text, "%s", error_text(errno));
    return made;
}

static _Noreturn void serve(void) {
    int listener = open_server(SOCK_STREAM), datagrams = open_server(SOCK_DGRAM);
    if (listen(listener, 64) != 0)
        program_fail(port_text, "%s", error_text(errno));
    printf("listening at port %s\n", port_text);
    fflush(stdout);
    for (;;) {
        struct pollfd ready[2] = {{.fd = listener, .events = POLLIN}, {.fd = datagrams, .events = POLLIN}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            program_fail("poll", "%s", error_text(errno));
        if (ready[1].revents != 0)
            serve_datagrams(datagrams);
        if (ready[0].revents == 0)
            continue;
        int socket = accept(listener, NULL, NULL);
        if (socket >= 0) {
            serve_one(socket);
            close(socket);
        }
    }
}

// --- the client

static int command_send(const char *host, const char *kind, long long seconds) {
    int socket = open_client(host, SOCK_STREAM);
    char line[LINE];
    int length = snprintf(line, sizeof(line), "%s %lld\n", kind, seconds);
    if (!send_all(socket, line, (size_t)length))
        program_fail(host, "%s", error_text(errno));
    return socket;
}

static int stream_send(const char *host, long long seconds) {
    int socket = command_send(host, "send", seconds);
    char line[LINE];
    int64_t start = now_us();
    uint64_t bytes = send_for(socket, seconds);
    if (!line_receive(socket, line) || strtoull(line, NULL, 10) != bytes) {
        program_error(host, "it did not receive what was sent");
        return 1;
    }
    rate_print("sent", bytes, now_us() - start);
    close(socket);
    return 0;
}

static int stream_receive(const char *host, long long seconds) {
    int socket = command_send(host, "receive", seconds);
    int64_t start = now_us();
    uint64_t bytes = receive_until_end(socket);
    rate_print("received", bytes, now_us() - start);
    close(socket);
    return bytes == 0;
}

static int compare(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static int round_trips(const char *host, long long seconds) {
    static uint32_t samples[SAMPLES];
    int socket = command_send(host, "round", seconds);
    uint64_t count = 0;
    int64_t start = now_us(), end = start + seconds * 1000000;
    for (int64_t before = start; before < end; count++) {
        if (!send_all(socket, block, ROUND_BYTES) || !receive_all(socket, block, ROUND_BYTES))
            program_fail(host, "the connection ended");
        int64_t after = now_us();
        samples[count % SAMPLES] = (uint32_t)(after - before);
        before = after;
    }
    size_t kept = count < SAMPLES ? (size_t)count : SAMPLES;
    qsort(samples, kept, sizeof(samples[0]), compare);
    printf("round trips: %llu in %lld s, %llu a second; median %u us, least %u us\n", (unsigned long long)count, seconds,
           (unsigned long long)(count * 1000000 / (uint64_t)(now_us() - start)), samples[kept / 2], samples[0]);
    close(socket);
    return 0;
}

static int connections(const char *host, long long seconds) {
    uint64_t count = 0, failed = 0;
    char line[LINE];
    int64_t start = now_us();
    for (int64_t end = start + seconds * 1000000; now_us() < end;) {
        int socket = try_client(host, SOCK_STREAM);
        bool good = socket >= 0 && send_all(socket, "connect 0\n", 10) && line_receive(socket, line);
        count += good;
        failed += !good;
        if (socket >= 0)
            close(socket);
    }
    printf("connections: %llu in %lld s, %llu a second; %llu failed\n", (unsigned long long)count, seconds,
           (unsigned long long)(count * 1000000 / (uint64_t)(now_us() - start)), (unsigned long long)failed);
    return count == 0;
}

// Asks the server how many came; false: no answer.
static bool datagrams_ask(int socket, char what, uint64_t *count) {
    char question[UDP_END] = {what}, answer[LINE];
    for (int attempt = 0; attempt < 5; attempt++) {
        struct pollfd ready = {.fd = socket, .events = POLLIN};
        (void)send(socket, question, sizeof(question), 0);
        if (poll(&ready, 1, 1000) <= 0)
            continue;
        ssize_t got = recv(socket, answer, sizeof(answer) - 1, 0);
        answer[got > 0 ? got : 0] = '\0';
        *count = strtoull(answer, NULL, 10);
        return got > 0;
    }
    return false;
}

static int datagrams(const char *host, long long seconds) {
    int socket = open_client(host, SOCK_DGRAM);
    uint64_t sent = 0, arrived = 0;
    if (!datagrams_ask(socket, 'b', &arrived))
        program_fail(host, "no answer to a datagram");
    int64_t start = now_us();
    for (int64_t end = start + seconds * 1000000; now_us() < end;)
        sent += datagrams_send(socket, NULL, 0);
    int64_t time = now_us() - start;
    if (!datagrams_ask(socket, 'e', &arrived))
        program_fail(host, "no answer to a datagram");
    printf("datagrams: %llu sent, %llu arrived, %llu a second\n", (unsigned long long)sent, (unsigned long long)arrived,
           (unsigned long long)(arrived * 1000000 / (uint64_t)time));
    rate_print("arrived", arrived * DATAGRAM, time);
    return 0;
}

// The rate counts from the first batch to the last: the time that the question takes is not in it.
static int datagrams_back(const char *host, long long seconds) {
    int socket = open_client(host, SOCK_DGRAM);
    char question[UDP_END] = {'s', (char)seconds};
    uint64_t arrived = 0, before = 0; // of the first batch
    int64_t first = 0, last = 0;
    if (send(socket, question, sizeof(question), 0) != (ssize_t)sizeof(question))
        program_fail(host, "%s", error_text(errno));
    for (struct pollfd ready = {.fd = socket, .events = POLLIN}; poll(&ready, 1, 1000) > 0;)
        for (int got; (got = datagrams_receive(socket)) > 0;) {
            last = now_us();
            if (arrived == 0) {
                first = last;
                before = (uint64_t)got;
            }
            arrived += (uint64_t)got;
        }
    if (arrived == before || first == last)
        program_fail(host, "no datagrams came");
    printf("datagrams: %llu came, %llu a second\n", (unsigned long long)arrived,
           (unsigned long long)((arrived - before) * 1000000 / (uint64_t)(last - first)));
    rate_print("came", arrived * DATAGRAM, last - first);
    return 0;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-p PORT] {-s | [-t SECONDS] [-w | -r | -l | -c | -u | -U] HOST}",
                  "  -s  the server's side          -p  its port (5201)      -t  how long (5)\n"
                  "  -w  stream to HOST (default)   -r  stream from HOST     -l  round trips of a byte: latency\n"
                  "  -c  connections, one by one    -u  datagrams to HOST   -U  from HOST\n");
    bool server = false;
    int what = 'w';
    long long seconds = 5;
    for (int option; (option = program_option("sp:t:wrlcuU")) != -1;) {
        if (option == 's')
            server = true;
        else if (option == 'p')
            port_text = program_argument;
        else if (option == 't')
            seconds = number_parse(program_argument, "a time in seconds");
        else
            what = option;
    }
    if (program_operand_count != (server ? 0 : 1) || seconds < 1 || seconds > 3600)
        program_usage_error("a host (or -s) and 1 to 3600 seconds are wanted");
    signal(SIGPIPE, SIG_IGN);
    if (server)
        serve();
    const char *host = program_operands[0];
    int status = what == 'w'   ? stream_send(host, seconds)
                 : what == 'r' ? stream_receive(host, seconds)
                 : what == 'l' ? round_trips(host, seconds)
                 : what == 'c' ? connections(host, seconds)
                 : what == 'U' ? datagrams_back(host, seconds < 100 ? seconds : 100)
                               : datagrams(host, seconds);
    return program_end(status);
}
