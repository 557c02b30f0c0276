// httpd: serves a directory by HTTP/1.1. One loop over poll: the listening socket and every connection.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/httpd/connection.h"

enum { BACKLOG = 128, CONNECTIONS = 512, CONNECTIONS_MOST = 60000 };

static struct connection *connections;
static struct pollfd *polled;
static unsigned limit = CONNECTIONS;

static void nonblocking(int descriptor) {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL, 0) | O_NONBLOCK);
}

// Both families at once where there is IPv6, else IPv4.
static int listener_open(uint16_t port) {
    int on = 1, off = 0;
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    if (listener >= 0) {
        struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        if (bind(listener, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(listener, BACKLOG) == 0)
            return listener;
        close(listener);
    }
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener >= 0)
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(listener, BACKLOG) != 0)
        return -1;
    return listener;
}

static void accept_all(int listener) {
    while (server.counts.open < limit) {
        int socket = accept(listener, NULL, NULL);
        if (socket < 0)
            return;
        nonblocking(socket);
        connection_init(&connections[server.counts.open], socket);
        polled[server.counts.open + 1] = (struct pollfd){.fd = socket, .events = POLLIN};
        server.counts.open++;
        server.counts.connections++;
        connection_work(&connections[server.counts.open - 1], true);
    }
}

// The last one takes the place of one that ended.
static void sweep(void) {
    for (unsigned i = 0; i < server.counts.open;) {
        if (connections[i].state != CONNECTION_ENDS) {
            polled[i + 1].events = connection_wants_to_write(&connections[i]) ? POLLOUT : POLLIN;
            i++;
            continue;
        }
        connection_free(&connections[i]);
        server.counts.open--;
        connections[i] = connections[server.counts.open];
        polled[i + 1] = polled[server.counts.open + 1];
    }
}

static int wait_ms(void) {
    int64_t first = INT64_MAX, now = now_ms();
    for (unsigned i = 0; i < server.counts.open; i++)
        if (connections[i].deadline < first)
            first = connections[i].deadline;
    return server.counts.open == 0 ? -1 : first > now ? (int)(first - now) : 0;
}

static void serve(int listener) {
    nonblocking(listener);
    for (;;) {
        polled[0] = (struct pollfd){.fd = listener, .events = server.counts.open < limit ? POLLIN : 0};
        if (poll(polled, server.counts.open + 1, wait_ms()) < 0 && errno != EINTR)
            program_fail("poll", "%s", error_text(errno));
        int64_t now = now_ms();
        server.turn++;
        for (unsigned i = 0; i < server.counts.open; i++) {
            if (polled[i + 1].revents != 0)
                connection_work(&connections[i], (polled[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) != 0);
            else if (connections[i].deadline <= now)
                connection_expire(&connections[i]);
        }
        sweep();
        if (polled[0].revents != 0) {
            accept_all(listener);
            sweep();
        }
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-v] [-p PORT] [-n CONNECTIONS] [DIRECTORY]",
                  "  -p  TCP port (80)   -n  most connections at once (512)   -v  print every request\n"
                  "Serves DIRECTORY (the working directory): files, index.html or a list of names. /status shows the\n"
                  "running system, /status.json the figures behind it.\n");
    long long port = 80;
    for (int option; (option = program_option("p:n:v")) != -1;) {
        if (option == 'p')
            port = number_parse(program_argument, "a port");
        else if (option == 'n')
            limit = (unsigned)number_parse(program_argument, "a number of connections");
        else
            server.verbose = true;
    }
    if (port < 0 || port > 65535 || limit < 1 || limit > CONNECTIONS_MOST || program_operand_count > 1)
        program_usage_error("a port up to 65535, 1 to %d connections and one directory are possible", CONNECTIONS_MOST);
    server.directory = program_operand_count ? program_operands[0] : ".";
    if (chdir(server.directory) != 0)
        program_fail(server.directory, "%s", error_text(errno));
    server.directory = ".";
    signal(SIGPIPE, SIG_IGN);
    connections = memory_allocate(limit * sizeof(*connections));
    polled = memory_allocate((limit + 1) * sizeof(*polled));
    int listener = listener_open((uint16_t)port);
    if (listener < 0) {
        char text[16];
        snprintf(text, sizeof(text), "port %lld", port);
        program_fail(text, "%s", error_text(errno));
    }
    if (server.verbose)
        printf("httpd: listening at port %lld\n", port);
    fflush(stdout);
    serve(listener);
    return program_end(0);
}
