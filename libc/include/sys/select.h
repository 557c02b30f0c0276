// select(), over poll() (POSIX <sys/select.h>).
#pragma once

#include <sys/types.h>
#include <signal.h>
#include <bits/timespec.h>

#define FD_SETSIZE 1024

struct timeval {
    long tv_sec;
    long tv_usec; // 0 to 999,999
};

typedef struct {
    unsigned long bits[FD_SETSIZE / 64];
} fd_set;

#define FD_ZERO(set)                                                                                                             \
    do {                                                                                                                         \
        for (unsigned fd_zero_i = 0; fd_zero_i < FD_SETSIZE / 64; fd_zero_i++)                                                   \
            (set)->bits[fd_zero_i] = 0;                                                                                          \
    } while (0)
#define FD_SET(fd, set)   ((void)((set)->bits[(fd) / 64] |= 1ul << ((fd) % 64)))
#define FD_CLR(fd, set)   ((void)((set)->bits[(fd) / 64] &= ~(1ul << ((fd) % 64))))
#define FD_ISSET(fd, set) ((int)(((set)->bits[(fd) / 64] >> ((fd) % 64)) & 1))

int select(int count, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except, struct timeval *restrict timeout);
