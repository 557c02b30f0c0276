// getsockopt and setsockopt: POSIX's levels and numbers to the protocol's options, by one table.
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"
#include "libipc/protocols/socket.h"

static const struct mapping {
    int level, option;
    uint64_t to;
} mappings[] = {
    {SOL_SOCKET, SO_ERROR, SOCKET_OPTION_ERROR},
    {SOL_SOCKET, SO_REUSEADDR, SOCKET_OPTION_REUSE_ADDRESS},
    {SOL_SOCKET, SO_BROADCAST, SOCKET_OPTION_BROADCAST},
    {SOL_SOCKET, SO_KEEPALIVE, SOCKET_OPTION_KEEP_ALIVE},
    {SOL_SOCKET, SO_SNDBUF, SOCKET_OPTION_SEND_BYTES},
    {SOL_SOCKET, SO_RCVBUF, SOCKET_OPTION_RECEIVE_BYTES},
    {SOL_SOCKET, SO_LINGER, SOCKET_OPTION_LINGER},
    {SOL_SOCKET, SO_RCVTIMEO, SOCKET_OPTION_RECEIVE_TIMEOUT},
    {SOL_SOCKET, SO_SNDTIMEO, SOCKET_OPTION_SEND_TIMEOUT},
    {SOL_SOCKET, SO_RCVLOWAT, SOCKET_OPTION_LOW_WATER},
    {SOL_SOCKET, SO_TYPE, SOCKET_OPTION_TYPE},
    {SOL_SOCKET, SO_DOMAIN, SOCKET_OPTION_FAMILY},
    {SOL_SOCKET, SO_PROTOCOL, SOCKET_OPTION_PROTOCOL},
    {SOL_SOCKET, SO_ACCEPTCONN, SOCKET_OPTION_LISTENING},
    {IPPROTO_TCP, TCP_NODELAY, SOCKET_OPTION_NO_DELAY},
    {IPPROTO_TCP, TCP_MAXSEG, SOCKET_OPTION_SEGMENT_BYTES},
    {IPPROTO_TCP, TCP_KEEPIDLE, SOCKET_OPTION_KEEP_IDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL, SOCKET_OPTION_KEEP_INTERVAL},
    {IPPROTO_TCP, TCP_KEEPCNT, SOCKET_OPTION_KEEP_COUNT},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, SOCKET_OPTION_USER_TIMEOUT},
    {IPPROTO_IP, IP_TTL, SOCKET_OPTION_HOPS},
    {IPPROTO_IP, IP_TOS, SOCKET_OPTION_TRAFFIC_CLASS},
    {IPPROTO_IP, IP_MULTICAST_TTL, SOCKET_OPTION_GROUP_HOPS},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SOCKET_OPTION_GROUP_LOOP},
    {IPPROTO_IP, IP_MTU_DISCOVER, SOCKET_OPTION_DO_NOT_FRAGMENT},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOCKET_OPTION_HOPS},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SOCKET_OPTION_GROUP_HOPS},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SOCKET_OPTION_GROUP_LOOP},
    {IPPROTO_IPV6, IPV6_TCLASS, SOCKET_OPTION_TRAFFIC_CLASS},
    {IPPROTO_IPV6, IPV6_V6ONLY, SOCKET_OPTION_ONLY_IPV6},
};

static uint64_t option_of(int level, int option) {
    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
        if (mappings[i].level == level && mappings[i].option == option)
            return mappings[i].to;
    return 0;
}

static bool is_time(uint64_t option) {
    return option == SOCKET_OPTION_RECEIVE_TIMEOUT || option == SOCKET_OPTION_SEND_TIMEOUT;
}

// What the caller reads, in the option's own form.
static int give(const void *from, socklen_t size, void *value, socklen_t *length) {
    socklen_t part = *length < size ? *length : size;
    memcpy(value, from, part);
    *length = part;
    return 0;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length) {
    uint64_t option = option_of(level, name), result = 0;
    error_t error = option != 0 ? system_socket_option_get(fd, option, &result) : -ENOPROTOOPT;
    if (error != ERR_OK)
        return result_of(error);
    if (is_time(option)) {
        struct timeval time = {.tv_sec = (time_t)(result / 1000000000), .tv_usec = (suseconds_t)(result / 1000 % 1000000)};
        return give(&time, sizeof(time), value, length);
    }
    if (option == SOCKET_OPTION_LINGER) {
        struct linger linger = {.l_onoff = result != UINT32_MAX, .l_linger = (int)result};
        if (!linger.l_onoff)
            linger.l_linger = 0;
        return give(&linger, sizeof(linger), value, length);
    }
    int number = (int)result;
    return give(&number, sizeof(number), value, length);
}

static error_t group_option(int fd, int level, int name, const void *value, socklen_t length) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } group = {0};
    if (level == IPPROTO_IP && length >= sizeof(struct ip_mreq)) {
        const struct ip_mreq *request = value;
        group.in.sin_family = AF_INET;
        group.in.sin_addr = request->imr_multiaddr;
        return system_socket_group(fd, &group.any, 0, name == IP_ADD_MEMBERSHIP);
    }
    if (level == IPPROTO_IPV6 && length >= sizeof(struct ipv6_mreq)) {
        const struct ipv6_mreq *request = value;
        group.in6.sin6_family = AF_INET6;
        group.in6.sin6_addr = request->ipv6mr_multiaddr;
        return system_socket_group(fd, &group.any, request->ipv6mr_interface, name == IPV6_JOIN_GROUP);
    }
    return ERR_INVALID;
}

static error_t bind_to_device(int fd, const char *value, socklen_t length) {
    char name[IF_NAMESIZE] = "";
    memcpy(name, value, length < IF_NAMESIZE - 1 ? length : IF_NAMESIZE - 1);
    unsigned index = 0;
    error_t error = name[0] != 0 ? system_interface(&index, name) : ERR_OK;
    return error != ERR_OK ? error : system_socket_option_set(fd, SOCKET_OPTION_INTERFACE, index);
}

static error_t read_value(uint64_t option, const void *value, socklen_t length, uint64_t *result) {
    if (is_time(option)) {
        struct timeval time;
        if (length < sizeof(time))
            return ERR_INVALID;
        memcpy(&time, value, sizeof(time));
        if (time.tv_sec < 0 || time.tv_usec < 0 || time.tv_usec >= 1000000)
            return -EDOM;
        *result = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
    } else if (option == SOCKET_OPTION_LINGER) {
        struct linger linger;
        if (length < sizeof(linger))
            return ERR_INVALID;
        memcpy(&linger, value, sizeof(linger));
        *result = linger.l_onoff != 0 ? (uint32_t)linger.l_linger : UINT32_MAX;
    } else {
        int number = 0;
        if (length != 1 && length < sizeof(number))
            return ERR_INVALID;
        memcpy(&number, value, length == 1 ? 1 : sizeof(number));
        if (option == SOCKET_OPTION_DO_NOT_FRAGMENT)
            number = number == IP_PMTUDISC_DO;
        if (number < 0)
            return ERR_INVALID;
        *result = (uint64_t)number;
    }
    return ERR_OK;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
    uint64_t option = option_of(level, name), result = 0;
    bool group = (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)) ||
                 (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP));
    if (group)
        return result_of(group_option(fd, level, name, value, length));
    if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
        return result_of(bind_to_device(fd, value, length));
    error_t error = option != 0 ? read_value(option, value, length, &result) : -ENOPROTOOPT;
    return result_of(error != ERR_OK ? error : system_socket_option_set(fd, option, result));
}
