// traceroute: shows the routers on the way to a host: echo requests whose hop limit grows, and who complains
// of it.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/program.h"

enum { HOPS = 30, PROBES = 3, WAIT_MS = 1000, ECHO_BYTES = 40, PACKET_BYTES = 1500, TEXT_BYTES = 64 };
// Types of ICMP (RFC 792) and of ICMPv6 (RFC 4443).
enum { ECHO = 8, ECHO_REPLY = 0, UNREACHABLE = 3, EXCEEDED = 11 };
enum { ECHO_6 = 128, ECHO_REPLY_6 = 129, UNREACHABLE_6 = 1, EXCEEDED_6 = 3 };

enum answer { ANSWER_NONE, ANSWER_ROUTER, ANSWER_HOST, ANSWER_UNREACHABLE };

static int family, packets;
static uint16_t identifier;
static struct sockaddr_storage target;
static socklen_t target_length;

static int64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static uint16_t sum(const uint8_t *data, size_t length) { // RFC 1071
    uint32_t total = 0;
    for (size_t i = 0; i < length; i++)
        total += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static bool probe_send(int hops, uint16_t sequence) {
    uint8_t message[ECHO_BYTES] = {family == AF_INET ? ECHO : ECHO_6};
    message[4] = (uint8_t)(identifier >> 8);
    message[5] = (uint8_t)identifier;
    message[6] = (uint8_t)(sequence >> 8);
    message[7] = (uint8_t)sequence;
    if (family == AF_INET) { // ICMPv6's is made by the system, which knows the source
        uint16_t check = sum(message, sizeof(message));
        message[2] = (uint8_t)(check >> 8);
        message[3] = (uint8_t)check;
    }
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, option = family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS;
    if (setsockopt(packets, level, option, &hops, sizeof(hops)) != 0)
        program_fail("hop limit", "%s", error_text(errno));
    return sendto(packets, message, sizeof(message), 0, (struct sockaddr *)&target, target_length) == sizeof(message);
}

// Whether it is our echo request or the answer to it, by the first eight bytes of ICMP.
static bool is_ours(const uint8_t *icmp, size_t length, uint8_t type, uint16_t sequence) {
    return length >= 8 && icmp[0] == type && icmp[4] == identifier >> 8 && icmp[5] == (identifier & 255) &&
           icmp[6] == sequence >> 8 && icmp[7] == (sequence & 255);
}

// Skips the IPv4 header that raw sockets of that family show.
static bool header_skip(const uint8_t **packet, size_t *length) {
    size_t header = *length >= 20 && **packet >> 4 == 4 ? (size_t)(**packet & 15) * 4 : 0;
    if (header < 20 || header > *length)
        return false;
    *packet += header;
    *length -= header;
    return true;
}

static enum answer message_judge(const uint8_t *icmp, size_t length, uint16_t sequence) {
    bool is_4 = family == AF_INET;
    if (is_4 && !header_skip(&icmp, &length))
        return ANSWER_NONE;
    if (is_ours(icmp, length, is_4 ? ECHO_REPLY : ECHO_REPLY_6, sequence))
        return ANSWER_HOST;
    if (length < 8)
        return ANSWER_NONE;
    uint8_t type = icmp[0];
    const uint8_t *inner = icmp + 8; // the packet that it is about
    size_t left = length - 8;
    if (is_4 ? !header_skip(&inner, &left) : left < 40)
        return ANSWER_NONE;
    if (!is_4) {
        inner += 40;
        left -= 40;
    }
    if (!is_ours(inner, left, is_4 ? ECHO : ECHO_6, sequence))
        return ANSWER_NONE;
    return type == (is_4 ? EXCEEDED : EXCEEDED_6)         ? ANSWER_ROUTER
           : type == (is_4 ? UNREACHABLE : UNREACHABLE_6) ? ANSWER_UNREACHABLE
                                                          : ANSWER_NONE;
}

static enum answer answer_wait(uint16_t sequence, char *from, size_t size) {
    static uint8_t packet[PACKET_BYTES];
    int64_t until = now_us() + (int64_t)WAIT_MS * 1000;
    for (int64_t left; (left = until - now_us()) > 0;) {
        struct pollfd ready = {.fd = packets, .events = POLLIN};
        if (poll(&ready, 1, (int)(left / 1000) + 1) <= 0)
            continue;
        struct sockaddr_storage source;
        socklen_t length = sizeof(source);
        ssize_t got = recvfrom(packets, packet, sizeof(packet), 0, (struct sockaddr *)&source, &length);
        enum answer answer = got > 0 ? message_judge(packet, (size_t)got, sequence) : ANSWER_NONE;
        if (answer == ANSWER_NONE)
            continue;
        if (getnameinfo((struct sockaddr *)&source, length, from, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
            snprintf(from, size, "?");
        return answer;
    }
    return ANSWER_NONE;
}

// One line; true: the way ends here.
static bool hop_print(int hop) {
    char from[TEXT_BYTES], shown[TEXT_BYTES] = "";
    bool ends = false;
    printf("%2d ", hop);
    for (int probe = 0; probe < PROBES; probe++) {
        uint16_t sequence = (uint16_t)(hop * PROBES + probe);
        int64_t sent = now_us();
        if (!probe_send(hop, sequence)) {
            printf(" %s", error_text(errno));
            continue;
        }
        enum answer answer = answer_wait(sequence, from, sizeof(from));
        if (answer == ANSWER_NONE) {
            printf(" *");
        } else {
            int64_t time = now_us() - sent;
            if (strcmp(from, shown) != 0)
                printf(" %s", from);
            strcpy(shown, from);
            printf("  %lld.%03lld ms%s", (long long)time / 1000, (long long)time % 1000,
                   answer == ANSWER_UNREACHABLE ? " unreachable" : "");
        }
        ends |= answer == ANSWER_HOST || answer == ANSWER_UNREACHABLE;
        fflush(stdout);
    }
    printf("\n");
    return ends;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-46] [-m HOPS] HOST", "  -m  most hops (30)   -4, -6  by this family only\n");
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list;
    long long most = HOPS;
    for (int option; (option = program_option("46m:")) != -1;) {
        if (option == 'm')
            most = number_parse(program_argument, "a number of hops");
        else
            hints.ai_family = option == '4' ? AF_INET : AF_INET6;
    }
    if (program_operand_count != 1 || most < 1 || most > 255)
        program_usage_error("one host, and 1 to 255 hops, are wanted");
    int error = getaddrinfo(program_operands[0], NULL, &hints, &list);
    if (error != 0)
        program_fail(program_operands[0], "%s", gai_strerror(error));
    family = list->ai_family;
    target_length = list->ai_addrlen;
    memcpy(&target, list->ai_addr, target_length);
    freeaddrinfo(list);
    packets = socket(family, SOCK_RAW, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (packets < 0)
        program_fail("raw socket", "%s", error_text(errno));
    identifier = (uint16_t)getpid();
    char text[TEXT_BYTES];
    if (getnameinfo((struct sockaddr *)&target, target_length, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
        printf("to %s (%s), at most %lld hops\n", program_operands[0], text, most);
    for (int hop = 1; hop <= most; hop++)
        if (hop_print(hop))
            return program_end(0);
    return program_end(1);
}
