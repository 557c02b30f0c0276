// Sockets (POSIX <sys/socket.h>); numbers are those of Linux on x86-64.
#pragma once

#include <bits/timespec.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef unsigned socklen_t;
typedef unsigned short sa_family_t;

struct sockaddr {
    sa_family_t sa_family;
    char sa_data[14];
};

// Room for every kind of address.
struct sockaddr_storage {
    sa_family_t ss_family;
    char __padding[118];
    unsigned long __alignment;
};

struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    size_t msg_iovlen;
    void *msg_control; // nothing is passed this way
    size_t msg_controllen;
    int msg_flags;
};

// One of several messages.
struct mmsghdr {
    struct msghdr msg_hdr;
    unsigned msg_len; // bytes sent or received
};

struct linger {
    int l_onoff;
    int l_linger; // seconds
};

#define AF_UNSPEC 0
#define AF_UNIX   1
#define AF_INET   2
#define AF_INET6  10
#define AF_PACKET 17
#define PF_UNSPEC AF_UNSPEC
#define PF_INET   AF_INET
#define PF_INET6  AF_INET6
#define PF_PACKET AF_PACKET

#define SOCK_STREAM   1
#define SOCK_DGRAM    2
#define SOCK_RAW      3
#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC  02000000

#define SOL_SOCKET      1
#define SO_REUSEADDR    2
#define SO_TYPE         3
#define SO_ERROR        4
#define SO_BROADCAST    6
#define SO_SNDBUF       7
#define SO_RCVBUF       8
#define SO_KEEPALIVE    9
#define SO_LINGER       13
#define SO_RCVLOWAT     18
#define SO_RCVTIMEO     20
#define SO_SNDTIMEO     21
#define SO_BINDTODEVICE 25
#define SO_ACCEPTCONN   30
#define SO_PROTOCOL     38
#define SO_DOMAIN       39

#define MSG_PEEK     0x2
#define MSG_TRUNC    0x20
#define MSG_DONTWAIT 0x40
#define MSG_WAITALL  0x100
#define MSG_NOSIGNAL 0x4000
// Of recvmmsg: what comes after the first message is not waited for.
#define MSG_WAITFORONE 0x10000

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2
#define SOMAXCONN 512

// SOCK_NONBLOCK and SOCK_CLOEXEC may be part of `type`.
int socket(int family, int type, int protocol);
int bind(int fd, const struct sockaddr *address, socklen_t length);
int connect(int fd, const struct sockaddr *address, socklen_t length);
int listen(int fd, int backlog);
// `address` may be null. *length: its room, then how long the address is.
int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length);
int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags);
int shutdown(int fd, int how);
int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length);
int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length);
int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict length);
int setsockopt(int fd, int level, int option, const void *value, socklen_t length);
ssize_t send(int fd, const void *buffer, size_t size, int flags);
ssize_t sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t length);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t recv(int fd, void *buffer, size_t size, int flags);
ssize_t recvfrom(int fd, void *restrict buffer, size_t size, int flags, struct sockaddr *restrict address,
                 socklen_t *restrict length);
ssize_t recvmsg(int fd, struct msghdr *message, int flags);
// Several messages, 1,024 at most (Linux). What was done before an error counts; the error is then forgotten. `timeout`, unless
// it is null: no longer than that is waited, for the first message neither (EAGAIN), and what is left of it is stored. Datagrams
// go in one request where they can; others one by one.
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout);
