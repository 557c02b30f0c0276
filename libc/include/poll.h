// Waiting for several descriptors (POSIX <poll.h>).
#pragma once

struct pollfd {
    int fd; // negative: ignored
    short events, revents;
};

typedef unsigned long nfds_t;

#define POLLIN     0x001
#define POLLPRI    0x002
#define POLLOUT    0x004
#define POLLERR    0x008
#define POLLHUP    0x010
#define POLLNVAL   0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200

// timeout in milliseconds; negative waits without limit.
int poll(struct pollfd *fds, nfds_t count, int timeout);
