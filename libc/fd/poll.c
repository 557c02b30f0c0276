// Waiting for descriptors: poll, and select over it.
#include <limits.h>
#include <poll.h>
#include <sys/select.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    size_t ready = 0;
    error_t error = system_poll(fds, count, timeout, &ready);
    return (int)result_with(error, (long)ready);
}

static nfds_t polls_of(int count, const fd_set *read, const fd_set *write, const fd_set *except, struct pollfd *polls) {
    nfds_t used = 0;
    for (int fd = 0; fd < count; fd++) {
        short events = 0;
        if (read != NULL && FD_ISSET(fd, read))
            events |= POLLIN;
        if (write != NULL && FD_ISSET(fd, write))
            events |= POLLOUT;
        if (except != NULL && FD_ISSET(fd, except))
            events |= POLLPRI;
        if (events != 0)
            polls[used++] = (struct pollfd){.fd = fd, .events = events};
    }
    return used;
}

// Clears the bit if none of the events happened; 1 if it stays.
static int keep_bit(fd_set *set, const struct pollfd *poll, short asked, short happened) {
    if (set == NULL || (poll->events & asked) == 0)
        return 0;
    if ((poll->revents & happened) != 0)
        return 1;
    FD_CLR(poll->fd, set);
    return 0;
}

int select(int count, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except, struct timeval *restrict timeout) {
    struct pollfd polls[FD_SETSIZE];
    if (count < 0 || count > FD_SETSIZE)
        return result_of(ERR_INVALID);
    nfds_t used = polls_of(count, read, write, except, polls);
    int milliseconds = -1;
    if (timeout != NULL)
        milliseconds =
            timeout->tv_sec > INT_MAX / 1000 - 1 ? INT_MAX : (int)(timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000);
    int ready = poll(polls, used, milliseconds), total = 0;
    if (ready < 0)
        return -1;
    for (nfds_t i = 0; i < used; i++) {
        if ((polls[i].revents & POLLNVAL) != 0)
            return result_of(ERR_BAD_DESCRIPTOR);
        total += keep_bit(read, &polls[i], POLLIN, POLLIN | POLLHUP | POLLERR);
        total += keep_bit(write, &polls[i], POLLOUT, POLLOUT | POLLERR);
        total += keep_bit(except, &polls[i], POLLPRI, POLLPRI);
    }
    return total;
}
