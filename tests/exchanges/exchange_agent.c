// The guest's part of scripted exchanges: makes the socket calls that guest_stack.py asks for by datagrams to port 9999 ("NUMBER
// COMMAND WORDS", answered by "NUMBER RESULT", an errno negated), the same commands as host_stack.c's. A number that comes again
// is answered again, not done again.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libipc/protocols/net.h"
#include "libipc/start/start.h"

enum { CONTROL_PORT = 9999, SLOTS = 1024, WORDS_MAX = 8, LINE_MAX_BYTES = 512, BUFFER = 128 * 1024, INTERFACE = 2 };

static int slots[SLOTS];
static unsigned char buffer[BUFFER];
static char empty[1];

static long result_of(long value) {
    return value < 0 ? -errno : value;
}

// --- addresses: 32 hexadecimal digits, IPv4 as ::ffff:a.b.c.d
static socklen_t name_of(const char *hex, const char *port, struct sockaddr_storage *name) {
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)atoi(port))};
    for (size_t i = 0; i < 16 && strlen(hex) == 32; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        six.sin6_addr.s6_addr[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    if (memcmp(six.sin6_addr.s6_addr, mapped, sizeof(mapped)) == 0) {
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = six.sin6_port};
        memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, 4);
        memcpy(name, &four, sizeof(four));
        return sizeof(four);
    }
    if (six.sin6_addr.s6_addr[0] == 0xfe)
        six.sin6_scope_id = INTERFACE;
    memcpy(name, &six, sizeof(six));
    return sizeof(six);
}

static void close_slot(unsigned slot) {
    if (slots[slot] >= 0)
        close(slots[slot]);
    slots[slot] = -1;
}

// With a reset, so that nothing of a case is left behind.
static long close_all(void) {
    struct linger at_once = {.l_onoff = 1};
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slots[i] >= 0)
            setsockopt(slots[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close_slot(i);
    }
    return 0;
}

// --- calls
static long open_slot(unsigned slot, const char *kind, int six) {
    int family = six ? AF_INET6 : AF_INET, stream = strcmp(kind, "stream") == 0;
    close_slot(slot);
    slots[slot] = socket(family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
    return slots[slot] < 0 ? -errno : 0;
}

static long accept_slot(int fd, unsigned slot) {
    int made = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
    if (made < 0)
        return -errno;
    close_slot(slot);
    slots[slot] = made;
    return 0;
}

static long write_all(int fd, size_t length) {
    size_t done = 0;
    memset(buffer, 'w', sizeof(buffer));
    while (done < length) {
        size_t part = length - done < sizeof(buffer) ? length - done : sizeof(buffer);
        ssize_t written = write(fd, buffer, part);
        if (written < 0)
            return done != 0 ? (long)done : -errno;
        done += (size_t)written;
    }
    return (long)done;
}

// The peer's byte at number n is n modulo 251; only streams are looked at.
static long read_some(int fd, size_t length, unsigned from, int checked) {
    ssize_t done = read(fd, buffer, length < sizeof(buffer) ? length : sizeof(buffer));
    for (ssize_t i = 0; checked && i < done; i++)
        if (buffer[i] != (from + (unsigned)i) % 251)
            return -EIO;
    return result_of(done);
}

static long set_option(int fd, const char *name, unsigned value) {
    static const struct {
        const char *name;
        int level, option;
    } table[] = {
        {"nodelay", IPPROTO_TCP, TCP_NODELAY}, {"keepalive", SOL_SOCKET, SO_KEEPALIVE},
        {"reuse", SOL_SOCKET, SO_REUSEADDR},   {"broadcast", SOL_SOCKET, SO_BROADCAST},
        {"idle", IPPROTO_TCP, TCP_KEEPIDLE},   {"interval", IPPROTO_TCP, TCP_KEEPINTVL},
        {"probes", IPPROTO_TCP, TCP_KEEPCNT},  {"timeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
        {"lowat", SOL_SOCKET, SO_RCVLOWAT},    {"rcvbuf", SOL_SOCKET, SO_RCVBUF},
        {"sndbuf", SOL_SOCKET, SO_SNDBUF},
    };
    struct linger linger = {.l_onoff = 1, .l_linger = (int)value};
    if (strcmp(name, "linger") == 0)
        return result_of(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(name, table[i].name) == 0)
            return result_of(setsockopt(fd, table[i].level, table[i].option, &value, sizeof(value)));
    return -ENOPROTOOPT;
}

static long pending_error(int fd) {
    int error = 0;
    socklen_t length = sizeof(error);
    long done = getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return done < 0 ? -errno : -error;
}

static long ready(int fd) {
    struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};
    if (poll(&one, 1, 0) < 0)
        return -errno;
    return ((one.revents & POLLIN) != 0) | ((one.revents & POLLOUT) != 0) << 1 | ((one.revents & POLLPRI) != 0) << 2 |
           ((one.revents & POLLERR) != 0) << 3 | ((one.revents & POLLHUP) != 0) << 4;
}

static unsigned port_of(int fd, int (*call)(int, struct sockaddr *restrict, socklen_t *restrict)) {
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    unsigned char port[2];
    if (call(fd, (struct sockaddr *)&name, &length) != 0)
        return 0;
    memcpy(port, (unsigned char *)&name + 2, 2); // of both families
    return (unsigned)port[0] << 8 | port[1];
}

// As the server's table has it; -1: it is not there, or the name is gone.
static long state(int fd) {
    struct net_connection connection;
    unsigned local = port_of(fd, getsockname), remote = port_of(fd, getpeername);
    uint64_t cursor = 0;
    while (net_next_connection(startup_capability("net"), cursor, &cursor, &connection) == ERR_OK)
        if (connection.protocol == IPPROTO_TCP && connection.local_port == local && connection.remote_port == remote &&
            remote != 0)
            return connection.state;
    return -1;
}

static long on_slot(unsigned slot, const char *command, char **words) {
    struct sockaddr_storage name;
    socklen_t length = name_of(words[2], words[3], &name);
    int fd = slots[slot];
    if (strcmp(command, "bind") == 0)
        return result_of(bind(fd, (struct sockaddr *)&name, length));
    if (strcmp(command, "connect") == 0)
        return result_of(connect(fd, (struct sockaddr *)&name, length));
    if (strcmp(command, "listen") == 0)
        return result_of(listen(fd, atoi(words[2])));
    if (strcmp(command, "accept") == 0)
        return accept_slot(fd, (unsigned)atoi(words[2]) % SLOTS);
    if (strcmp(command, "write") == 0)
        return write_all(fd, (size_t)atoi(words[2]));
    if (strcmp(command, "read") == 0)
        return read_some(fd, (size_t)atoi(words[2]), (unsigned)atoi(words[3]), words[4][0] == 's');
    if (strcmp(command, "send") == 0 && words[4][0] != 0)
        return result_of(sendto(fd, buffer, (size_t)atoi(words[4]), 0, (struct sockaddr *)&name, length));
    if (strcmp(command, "send") == 0)
        return result_of(send(fd, buffer, (size_t)atoi(words[2]), 0));
    if (strcmp(command, "shutdown") == 0)
        return result_of(shutdown(fd, atoi(words[2]) - 1));
    if (strcmp(command, "set") == 0)
        return set_option(fd, words[2], (unsigned)strtoul(words[3], NULL, 10));
    if (strcmp(command, "error") == 0)
        return pending_error(fd);
    if (strcmp(command, "ready") == 0)
        return ready(fd);
    if (strcmp(command, "state") == 0)
        return state(fd);
    if (strcmp(command, "port") == 0)
        return (long)port_of(fd, getsockname);
    if (strcmp(command, "close") != 0)
        return -ENOSYS;
    close_slot(slot);
    return 0;
}

static long obey(char *line) {
    char *words[WORDS_MAX], *rest = NULL;
    for (unsigned i = 0; i < WORDS_MAX; i++) {
        words[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
        words[i] = words[i] != NULL ? words[i] : empty;
    }
    unsigned slot = (unsigned)atoi(words[1]) % SLOTS;
    if (strcmp(words[0], "nothing") == 0)
        return 0;
    if (strcmp(words[0], "reset") == 0)
        return close_all();
    if (strcmp(words[0], "end") == 0)
        exit(0);
    if (strcmp(words[0], "open") == 0)
        return open_slot(slot, words[2], words[3][0] == '6');
    return on_slot(slot, words[0], words);
}

int main(void) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(CONTROL_PORT)}, from;
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    char line[LINE_MAX_BYTES + 1], answer[64] = "";
    unsigned long last = 0;
    signal(SIGPIPE, SIG_IGN);
    memset(slots, -1, sizeof(slots));
    if (control < 0 || bind(control, (struct sockaddr *)&own, sizeof(own)) != 0) {
        perror("exchange_agent");
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        socklen_t length = sizeof(from);
        ssize_t count = recvfrom(control, line, LINE_MAX_BYTES, 0, (struct sockaddr *)&from, &length);
        if (count <= 0)
            continue;
        line[count] = 0;
        char *command;
        unsigned long number = strtoul(line, &command, 10);
        if (number != last)
            snprintf(answer, sizeof(answer), "%lu %ld", number, obey(command));
        last = number;
        sendto(control, answer, strlen(answer), 0, (struct sockaddr *)&from, length);
    }
}
