// nc: joins standard input and output to a TCP connection or to UDP datagrams, as client or as listener.
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"

enum { BLOCK_BYTES = 65536 };

static struct {
    bool listen, udp, verbose, no_input, keep;
    int family;
    int seconds; // to wait for a connection, or for silence; 0: for ever
} options;

static char block[BLOCK_BYTES];

static struct addrinfo *find(const char *host, const char *port) {
    struct addrinfo *list, hints = {.ai_family = options.family,
                                    .ai_socktype = options.udp ? SOCK_DGRAM : SOCK_STREAM,
                                    .ai_flags = options.listen ? AI_PASSIVE : 0};
    int error = getaddrinfo(host, port, &hints, &list);
    if (error != 0)
        program_fail(host != NULL ? host : port, "%s", gai_strerror(error));
    return list;
}

static void say_peer(const char *what, const struct sockaddr *address, socklen_t length) {
    char host[80], port[8];
    if (options.verbose &&
        getnameinfo(address, length, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        fprintf(stderr, "nc: %s %s port %s\n", what, host, port);
}

// A peer that vanishes without a word is noticed when nobody writes: after 45 s of silence three probes, 10 s apart.
static void watch_peer(int fd) {
    int on = 1, idle = 45, interval = 10, count = 3;
    if (options.udp)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int connect_any(const struct addrinfo *list) {
    int error = 0;
    for (; list != NULL; list = list->ai_next) {
        int fd = socket(list->ai_family, list->ai_socktype, list->ai_protocol);
        struct timeval wait = {.tv_sec = options.seconds};
        if (fd >= 0 && options.seconds != 0)
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
        if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) == 0) {
            say_peer("connected to", list->ai_addr, list->ai_addrlen);
            watch_peer(fd);
            return fd;
        }
        error = errno == EINPROGRESS ? ETIMEDOUT : errno;
        if (fd >= 0)
            close(fd);
    }
    program_fail(program_operands[0], "%s", error_text(error));
}

static int listen_at(const struct addrinfo *address) {
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol), on = 1;
    if (fd < 0)
        program_fail("socket", "%s", error_text(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || (!options.udp && listen(fd, 5) != 0))
        program_fail("listening", "%s", error_text(errno));
    return fd;
}

static int accept_one(int listener) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    int fd;
    do
        fd = accept(listener, (struct sockaddr *)&peer, &length);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        program_fail("accept", "%s", error_text(errno));
    say_peer("connection from", (struct sockaddr *)&peer, length);
    watch_peer(fd);
    return fd;
}

// The first datagram says who the peer is.
static int wait_for_peer(int fd) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    if (recvfrom(fd, block, 1, MSG_PEEK, (struct sockaddr *)&peer, &length) < 0 ||
        connect(fd, (struct sockaddr *)&peer, length) != 0)
        program_fail("datagram", "%s", error_text(errno));
    say_peer("datagrams from", (struct sockaddr *)&peer, length);
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t size) {
    while (size != 0) {
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            program_errno("sending");
            return false;
        }
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

// From input to the peer; false: there is no more.
static bool move_out(int fd) {
    ssize_t count = read(STDIN_FILENO, block, options.udp ? 1400 : sizeof(block));
    if (count < 0 && errno == EINTR)
        return true;
    if (count <= 0) {
        if (!options.udp)
            shutdown(fd, SHUT_WR);
        return false;
    }
    return send_all(fd, block, (size_t)count);
}

// From the peer to output; false: it has ended. *status becomes 1 after an error.
static bool move_in(int fd, int *status) {
    ssize_t count = recv(fd, block, sizeof(block), 0);
    if (count < 0 && errno == EINTR)
        return true;
    if (count > 0 && descriptor_write(STDOUT_FILENO, block, (size_t)count))
        return true;
    if (count == 0 && options.udp)
        return true; // an empty datagram
    if (count != 0) {
        program_errno(count < 0 ? "receiving" : "standard output");
        *status = 1;
    }
    return false;
}

static int transfer(int fd) {
    bool input = !options.no_input, peer = true; // each has more to say
    int status = 0;
    if (!input && !options.udp && !options.listen)
        shutdown(fd, SHUT_WR);
    while (peer || input) {
        struct pollfd wait[2] = {{.fd = peer ? fd : -1, .events = POLLIN}, {.fd = input ? STDIN_FILENO : -1, .events = POLLIN}};
        int ready = poll(wait, 2, options.seconds != 0 ? options.seconds * 1000 : -1);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return status;
        if (wait[0].revents != 0)
            peer = move_in(fd, &status);
        if (wait[1].revents != 0 && !move_out(fd))
            input = false;
    }
    return status;
}

static void parse(void) {
    int option;
    while ((option = program_option("46dklp:uvw:")) != -1) {
        if (option == '4' || option == '6')
            options.family = option == '4' ? AF_INET : AF_INET6;
        options.no_input |= option == 'd';
        options.keep |= option == 'k';
        options.listen |= option == 'l';
        options.udp |= option == 'u';
        options.verbose |= option == 'v';
        if (option == 'w')
            options.seconds = (int)number_parse(program_argument, "seconds");
    }
    if (options.listen ? program_operand_count < 1 || program_operand_count > 2 : program_operand_count != 2)
        program_usage_error(options.listen ? "a port, please" : "a host and a port, please");
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-46dkluv] [-w SECONDS] [HOST] PORT",
                  "  -4, -6      by this version of IP alone\n"
                  "  -d          read nothing from standard input\n"
                  "  -k          after a connection wait for the next (with -l)\n"
                  "  -l          listen\n"
                  "  -u          UDP instead of TCP\n"
                  "  -v          say who is connected\n"
                  "  -w SECONDS  end when nothing happens for that long\n");
    parse();
    const char *host = program_operand_count == 2 ? program_operands[0] : NULL;
    struct addrinfo *list = find(host, program_operands[program_operand_count - 1]);
    if (!options.listen)
        return transfer(connect_any(list));
    int listener = listen_at(list), status;
    if (options.udp)
        return transfer(wait_for_peer(listener));
    do {
        int fd = accept_one(listener);
        status = transfer(fd);
        close(fd);
    } while (options.keep);
    return status;
}
