// The guest's end of the tests against Linux (tests/host/net/test_linux.py), the same services as tests/host/net/tap.c: ports 7
// echoes (TCP and UDP), 9 swallows, 19 sends 8 MiB of a pattern and ends, 20 connects back to port 7007 of whoever connects and
// echoes there, 21 opens a connection from 7021 to 7021 of whoever connects, 23 tells of all connections and counters. `services
// [OFFSET [IDLE]]`: at ports so much higher, since one process holds some hundred descriptors; a peer is asked whether it is there
// when it has said nothing for IDLE seconds (5).
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libipc/protocols/net.h"
#include "libipc/start/start.h"

enum {
    HELD_MAX = 960,
    BLOCK = 16384,
    SOURCE_BYTES = 8 << 20,
    PORTS = 6,
    STATES_PORT = 23,
    BACK_PORT = 7007,
    CROSSING_PORT = 7021
};

struct held {
    int port; // of the service
    unsigned char *pending;
    size_t pending_length;
    unsigned sent;
    bool ended; // nothing comes any more
};

static const int ports[PORTS] = {7, 9, 19, 20, 21, STATES_PORT};
static struct pollfd polls[PORTS + 1 + HELD_MAX];
static struct held held[PORTS + 1 + HELD_MAX];
static int used = PORTS + 1;
static unsigned char block[65536];
static int idle = 5;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int listen_at(int port, int type) {
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
    int on = 1, every = 2, fd = socket(AF_INET6, type | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fail("socket");
    if (type == SOCK_STREAM) { // so that a reset that was lost is noticed
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    }
    if (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 || (type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0))
        fail("listen");
    return fd;
}

static void hold(int fd, int port) {
    polls[used] = (struct pollfd){.fd = fd, .events = POLLIN | (port == 19 ? POLLOUT : 0)};
    held[used++] = (struct held){.port = port};
}

static void let_go(int index) {
    close(polls[index].fd);
    free(held[index].pending);
    polls[index] = polls[--used];
    held[index] = held[used];
}

static void connect_back(int from, bool crossing) {
    struct sockaddr_in6 peer, own;
    socklen_t length = sizeof(peer), own_length = sizeof(own);
    int on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || getpeername(from, (struct sockaddr *)&peer, &length) != 0 ||
        getsockname(from, (struct sockaddr *)&own, &own_length) != 0)
        return;
    peer.sin6_port = htons(crossing ? CROSSING_PORT : BACK_PORT);
    own.sin6_port = htons(CROSSING_PORT);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if ((crossing && bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0) ||
        (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) != 0 && errno != EINPROGRESS))
        close(fd);
    else
        hold(fd, 7);
}

static void tell_counters(int fd) {
    char name[65], line[96];
    uint64_t cursor = 0, value;
    for (;;) {
        memset(name, 0, sizeof(name));
        if (net_next_counter(startup_capability("net"), cursor, name, sizeof(name) - 1, &cursor, &value) != ERR_OK)
            return;
        int length = snprintf(line, sizeof(line), "%s %llu\n", name, (unsigned long long)value);
        if (write(fd, line, (size_t)length) < 0)
            return;
    }
}

// "STATE LOCAL REMOTE" of each, numbers as in net.idl; a blocking socket, since it is short.
static void tell_states(int fd) {
    struct net_connection connection;
    uint64_t cursor = 0;
    char line[64];
    fcntl(fd, F_SETFL, 0);
    while (net_next_connection(startup_capability("net"), cursor, &cursor, &connection) == ERR_OK) {
        int length = snprintf(line, sizeof(line), "%u %u %u\n", connection.state, connection.local_port, connection.remote_port);
        if (connection.protocol == IPPROTO_TCP && connection.remote_port != 0 && write(fd, line, (size_t)length) < 0)
            break;
    }
    tell_counters(fd);
    close(fd);
}

static void accept_all(int index) {
    while (used < PORTS + HELD_MAX) {
        int fd = accept4(polls[index].fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (ports[index] == STATES_PORT) {
            tell_states(fd);
            continue;
        }
        hold(fd, ports[index]);
        if (ports[index] >= 20)
            connect_back(fd, ports[index] == 21);
    }
}

static void answer_datagrams(int fd) {
    struct sockaddr_in6 from;
    socklen_t length = sizeof(from);
    ssize_t count;
    while ((count = recvfrom(fd, block, sizeof(block), 0, (struct sockaddr *)&from, &length)) >= 0) {
        sendto(fd, block, (size_t)count, 0, (struct sockaddr *)&from, length);
        length = sizeof(from);
    }
}

// False: it is over.
static bool send_pattern(int index) {
    struct held *one = &held[index];
    while (one->sent < SOURCE_BYTES) {
        size_t part = SOURCE_BYTES - one->sent < BLOCK ? SOURCE_BYTES - one->sent : BLOCK;
        for (size_t i = 0; i < part; i++)
            block[i] = (unsigned char)((one->sent + i) * 7 >> 3);
        ssize_t done = write(polls[index].fd, block, part);
        if (done < 0)
            return errno == EAGAIN;
        one->sent += (unsigned)done;
    }
    return false;
}

static bool write_pending(int index) {
    struct held *one = &held[index];
    ssize_t done = one->pending_length != 0 ? write(polls[index].fd, one->pending, one->pending_length) : 0;
    if (done < 0)
        return errno == EAGAIN;
    one->pending_length -= (size_t)done;
    memmove(one->pending, one->pending + done, one->pending_length);
    return true;
}

static bool echo(int index) {
    struct held *one = &held[index];
    if (!write_pending(index))
        return false;
    while (one->pending_length == 0 && !one->ended) {
        ssize_t count = read(polls[index].fd, block, BLOCK);
        if (count < 0)
            return errno == EAGAIN;
        one->ended = count == 0;
        if (count == 0 || one->port != 7)
            continue;
        ssize_t done = write(polls[index].fd, block, (size_t)count);
        if (done < 0 && errno != EAGAIN)
            return false;
        done = done < 0 ? 0 : done;
        if (done == count)
            continue;
        one->pending = one->pending != NULL ? one->pending : malloc(BLOCK);
        if (one->pending == NULL)
            return false;
        one->pending_length = (size_t)(count - done);
        memcpy(one->pending, block + done, one->pending_length);
    }
    polls[index].events = one->pending_length != 0 ? POLLOUT : POLLIN;
    return !one->ended || one->pending_length != 0;
}

static void serve(void) {
    for (;;) {
        bool full = used >= PORTS + HELD_MAX - 1;
        for (int i = 0; i < PORTS; i++)
            polls[i].events = full ? 0 : POLLIN;
        if (poll(polls, (nfds_t)used, -1) <= 0)
            continue;
        for (int i = used - 1; i > PORTS; i--)
            if (polls[i].revents != 0 && !(held[i].port == 19 ? send_pattern(i) : echo(i)))
                let_go(i);
        if (polls[PORTS].revents != 0)
            answer_datagrams(polls[PORTS].fd);
        for (int i = 0; i < PORTS; i++)
            if (polls[i].revents != 0)
                accept_all(i);
    }
}

int main(int argc, char **argv) {
    int offset = argc > 1 ? atoi(argv[1]) : 0;
    idle = argc > 2 ? atoi(argv[2]) : idle;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < PORTS; i++)
        polls[i] = (struct pollfd){.fd = listen_at(offset + ports[i], SOCK_STREAM)};
    polls[PORTS] = (struct pollfd){.fd = listen_at(offset + 7, SOCK_DGRAM), .events = POLLIN};
    printf("ready\n");
    fflush(stdout);
    serve();
    return 1;
}
