// ping: sends ICMP echoes and times the answers. Names and IPv6; statistics at the end, after ^C as well.
// Exit status 0 if anything was answered.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
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

enum { HEADER_BYTES = 8, DATA_BYTES = 56, DATA_MAX = 65000, ECHO_V4 = 8, ECHO_V6 = 128 };

static volatile sig_atomic_t stopped;

static struct {
    long long count, interval, wait; // echoes (0: until stopped), milliseconds, milliseconds
    size_t size;
    int family;
    bool quiet;
} options = {.interval = 1000, .wait = 2000, .size = DATA_BYTES};

static struct {
    long long sent, received, duplicates, least, most, sum; // times in microseconds
} statistics;

static unsigned char seen[8192]; // a bit for each of the last echoes, by number

static long long microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static bool is_seen(unsigned number) {
    unsigned char bit = (unsigned char)(1u << number % 8), *byte = &seen[number / 8 % sizeof(seen)];
    bool was = (*byte & bit) != 0;
    *byte |= bit;
    return was;
}

static bool send_echo(int fd, int family) {
    static unsigned char message[HEADER_BYTES + DATA_MAX];
    unsigned number = (unsigned)statistics.sent & 0xffff;
    long long now = microseconds();
    memset(message, 0, HEADER_BYTES);
    message[0] = family == AF_INET ? ECHO_V4 : ECHO_V6;
    message[6] = (unsigned char)(number >> 8);
    message[7] = (unsigned char)number;
    for (size_t i = 0; i < options.size; i++)
        message[HEADER_BYTES + i] = (unsigned char)i;
    if (options.size >= sizeof(now))
        memcpy(message + HEADER_BYTES, &now, sizeof(now));
    seen[number / 8 % sizeof(seen)] &= (unsigned char)~(1u << number % 8);
    statistics.sent++;
    if (send(fd, message, HEADER_BYTES + options.size, 0) >= 0)
        return true;
    program_error(NULL, "%s", error_text(errno));
    return false;
}

static void note_answer(const unsigned char *message, ssize_t length, const char *from) {
    unsigned number = (unsigned)(message[6] << 8 | message[7]);
    long long then, taken = -1;
    bool duplicate = is_seen(number);
    if ((size_t)length >= HEADER_BYTES + sizeof(then) && options.size >= sizeof(then)) {
        memcpy(&then, message + HEADER_BYTES, sizeof(then));
        taken = microseconds() - then;
    }
    if (duplicate)
        statistics.duplicates++;
    else
        statistics.received++;
    if (taken >= 0 && !duplicate) {
        statistics.least = statistics.received == 1 || taken < statistics.least ? taken : statistics.least;
        statistics.most = taken > statistics.most ? taken : statistics.most;
        statistics.sum += taken;
    }
    if (options.quiet)
        return;
    printf("%zd bytes from %s: seq=%u", length, from, number);
    if (taken >= 0)
        printf(" time=%lld.%03lld ms", taken / 1000, taken % 1000);
    printf("%s\n", duplicate ? " (again)" : "");
    fflush(stdout);
}

// Takes answers until `until`.
static void wait_for_answers(int fd, long long until, const char *from, bool until_all) {
    static unsigned char message[HEADER_BYTES + DATA_MAX];
    while (!stopped) {
        long long left = (until - microseconds() + 999) / 1000;
        struct pollfd poll_for = {.fd = fd, .events = POLLIN};
        if (left <= 0 || (until_all && statistics.received == statistics.sent))
            return;
        if (poll(&poll_for, 1, (int)left) <= 0)
            continue;
        ssize_t length = recv(fd, message, sizeof(message), MSG_DONTWAIT);
        if (length >= HEADER_BYTES)
            note_answer(message, length, from);
        else if (length < 0 && errno != EAGAIN && errno != EINTR)
            printf("from %s: %s\n", from, error_text(errno));
    }
}

static int open_to(const struct addrinfo *address) {
    int protocol = address->ai_family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    int fd = socket(address->ai_family, SOCK_DGRAM, protocol);
    if (fd < 0)
        program_fail("socket", "%s", error_text(errno));
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        program_fail(program_operands[0], "%s", error_text(errno));
    return fd;
}

static void run(int fd, int family, const char *from) {
    long long next = microseconds();
    for (long long i = 0; (options.count == 0 || i < options.count) && !stopped; i++) {
        bool last = options.count != 0 && i + 1 == options.count;
        bool sent = send_echo(fd, family);
        next += options.interval * 1000;
        if (!last)
            wait_for_answers(fd, next, from, false);
        else if (sent)
            wait_for_answers(fd, microseconds() + options.wait * 1000, from, true);
    }
}

static void print_time(const char *before, long long time) {
    printf("%s%lld.%03lld", before, time / 1000, time % 1000);
}

static void print_statistics(const char *name) {
    long long lost = statistics.sent - statistics.received;
    printf("--- %s\n%lld sent, %lld answered", name, statistics.sent, statistics.received);
    if (statistics.duplicates != 0)
        printf(", %lld twice", statistics.duplicates);
    printf(", %lld%% lost\n", statistics.sent != 0 ? lost * 100 / statistics.sent : 0);
    if (statistics.received == 0 || options.size < sizeof(long long))
        return;
    print_time("least/mean/most ", statistics.least);
    print_time("/", statistics.sum / statistics.received);
    print_time("/", statistics.most);
    printf(" ms\n");
}

static void parse(void) {
    int option;
    while ((option = program_option("46c:i:qs:W:")) != -1) {
        if (option == '4' || option == '6')
            options.family = option == '4' ? AF_INET : AF_INET6;
        else if (option == 'c')
            options.count = number_parse(program_argument, "count");
        else if (option == 'i')
            options.interval = (long long)(number_parse(program_argument, "interval"));
        else if (option == 'q')
            options.quiet = true;
        else if (option == 's')
            options.size = (size_t)number_parse(program_argument, "size");
        else if (option == 'W')
            options.wait = number_parse(program_argument, "time") * 1000;
    }
    if (program_operand_count != 1)
        program_usage_error("one host, please");
    if (options.size > DATA_MAX || options.count < 0 || options.interval < 1)
        program_usage_error("a number is out of range");
}

int main(int argc, char **argv) {
    struct addrinfo *list;
    char address[INET6_ADDRSTRLEN + 20];
    program_start(argc, argv, "[-46q] [-c COUNT] [-i MILLISECONDS] [-s BYTES] [-W SECONDS] HOST",
                  "  -4, -6  by this version of IP alone\n"
                  "  -c COUNT         echoes to send; without it until ^C\n"
                  "  -i MILLISECONDS  between two echoes (1000)\n"
                  "  -q               the statistics alone\n"
                  "  -s BYTES         of data (56)\n"
                  "  -W SECONDS       to wait for the last answer (2)\n");
    parse();
    struct addrinfo hints = {.ai_family = options.family, .ai_socktype = SOCK_DGRAM};
    int error = getaddrinfo(program_operands[0], NULL, &hints, &list);
    if (error != 0)
        program_fail(program_operands[0], "%s", gai_strerror(error));
    getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST);
    signal(SIGINT, stop);
    int fd = open_to(list);
    printf("ping %s (%s), %zu bytes of data\n", program_operands[0], address, options.size);
    fflush(stdout);
    run(fd, list->ai_family, address);
    print_statistics(program_operands[0]);
    freeaddrinfo(list);
    return program_end(statistics.received != 0 ? 0 : 1);
}
