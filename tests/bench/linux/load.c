// load: what a host does to a guest that serves the network, and how long that takes; built for the host alone.
//
// usage: load http ADDRESS PORT PATH CONNECTIONS SECONDS
//        load ping ADDRESS COUNT
//
// http: each connection asks for PATH again as soon as it has the whole answer; all are kept open.
// ping: one echo after the other, each sent when the one before was answered (needs the right to raw sockets).
// One line of result: name, operations, nanoseconds (for ping of each: the least and the middle one).
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 4096, BLOCK = 65536, ECHO_BYTES = 64, ECHOES_MOST = 100000, PATIENCE_SECONDS = 5 };

static struct {
    int socket;
    size_t left; // of the answer that is under way
} connections[CONNECTIONS_MOST];

static char request[512], block[BLOCK];
static size_t request_bytes, answer_bytes;

static void fail(const char *what) {
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
        fail("clock");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct sockaddr_in address_of(const char *text, const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        fail(text);
    return address;
}

static int open_connection(const struct sockaddr_in *address) {
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int on = 1, made = socket(AF_INET, SOCK_STREAM, 0);
    if (made < 0 || connect(made, (const struct sockaddr *)address, sizeof(*address)) != 0)
        fail("connect");
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return made;
}

static void ask(size_t index) {
    if (send(connections[index].socket, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes)
        fail("send");
    connections[index].left = answer_bytes;
}

// The first answer says how long all are: the same file each time.
static size_t answer_measure(int socket) {
    size_t got = 0;
    if (send(socket, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes)
        fail("send");
    for (;;) {
        ssize_t count = recv(socket, block + got, sizeof(block) - 1 - got, 0);
        if (count <= 0)
            fail("the first answer");
        got += (size_t)count;
        block[got] = '\0';
        const char *end = strstr(block, "\r\n\r\n"), *length = strstr(block, "Content-Length: ");
        if (end == NULL)
            continue;
        if (strncmp(block, "HTTP/1.1 200", 12) != 0 || length == NULL || length > end) {
            (void)fprintf(stderr, "load: not the wanted answer:\n%s\n", block);
            exit(1);
        }
        size_t whole = (size_t)(end + 4 - block) + strtoul(length + strlen("Content-Length: "), NULL, 10);
        if (got >= whole)
            return whole;
    }
}

static int http(char **words) {
    struct sockaddr_in address = address_of(words[0], words[1]);
    size_t count = (size_t)atoi(words[3]);
    uint64_t seconds = (uint64_t)atoi(words[4]), done = 0;
    struct epoll_event events[256];
    int poller = epoll_create1(0);
    if (count == 0 || count > CONNECTIONS_MOST || poller < 0)
        fail("connections");
    request_bytes = (size_t)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", words[2], words[0]);
    for (size_t i = 0; i < count; i++) {
        connections[i].socket = open_connection(&address);
        struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = i};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].socket, &wanted) != 0)
            fail("epoll");
    }
    answer_bytes = answer_measure(connections[0].socket);
    uint64_t start = now(), end = start + seconds * 1000000000;
    for (size_t i = 0; i < count; i++)
        ask(i);
    while (now() < end) {
        int ready = epoll_wait(poller, events, 256, PATIENCE_SECONDS * 1000);
        if (ready <= 0)
            fail("no answer");
        for (int i = 0; i < ready; i++) {
            size_t index = (size_t)events[i].data.u64;
            ssize_t got = recv(connections[index].socket, block, sizeof(block), 0);
            if (got <= 0 || (size_t)got > connections[index].left)
                fail("an answer");
            connections[index].left -= (size_t)got;
            if (connections[index].left == 0) {
                done++;
                ask(index);
            }
        }
    }
    (void)printf("http,%llu,%llu\n", (unsigned long long)done, (unsigned long long)(now() - start));
    return 0;
}

static uint16_t checksum(const void *data, size_t length) {
    const uint16_t *words = data;
    uint32_t sum = 0;
    for (size_t i = 0; i < length / 2; i++)
        sum += words[i];
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t) ~(sum + (sum >> 16));
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static int ping(char **words) {
    static uint64_t samples[ECHOES_MOST];
    struct sockaddr_in address = address_of(words[0], "0");
    size_t count = (size_t)atoi(words[1]);
    struct timeval patience = {.tv_sec = 1};
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (raw < 0 || count == 0 || count > ECHOES_MOST || connect(raw, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("ping");
    (void)setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    for (size_t i = 0; i < count; i++) {
        _Alignas(8) char echo[ECHO_BYTES] = {0};
        struct icmphdr header = {.type = ICMP_ECHO, .un.echo = {.id = htons((uint16_t)getpid()), .sequence = htons((uint16_t)i)}};
        memcpy(echo, &header, sizeof(header));
        header.checksum = checksum(echo, sizeof(echo));
        memcpy(echo, &header, sizeof(header));
        uint64_t start = now();
        if (send(raw, echo, sizeof(echo), 0) != (ssize_t)sizeof(echo))
            fail("send");
        for (bool answered = false; !answered;) {
            ssize_t got = recv(raw, block, sizeof(block), 0);
            if (got < 0)
                fail("no echo");
            size_t at = (size_t)(block[0] & 15) * 4;
            if ((size_t)got < at + sizeof(header))
                continue;
            struct icmphdr answer;
            memcpy(&answer, block + at, sizeof(answer));
            answered = answer.type == ICMP_ECHOREPLY && answer.un.echo.id == header.un.echo.id &&
                       answer.un.echo.sequence == header.un.echo.sequence;
        }
        samples[i] = now() - start;
    }
    qsort(samples, count, sizeof(samples[0]), compare);
    (void)printf("ping,%llu,%llu,%llu\n", (unsigned long long)count, (unsigned long long)samples[0],
                 (unsigned long long)samples[count / 2]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 7 && strcmp(argv[1], "http") == 0)
        return http(argv + 2);
    if (argc == 4 && strcmp(argv[1], "ping") == 0)
        return ping(argv + 2);
    (void)fprintf(stderr, "usage: load http ADDRESS PORT PATH CONNECTIONS SECONDS\n       load ping ADDRESS COUNT\n");
    return 2;
}
