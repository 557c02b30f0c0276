// poll: asks every file once; if none is ready, each sets a bit of this process's notification when it becomes so.
#include <poll.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/client/clock.h"

enum { TICKETS_MAX = 64 };

static uint64_t interest_of(short events) {
    return (events & POLLIN ? READINESS_READ : 0) | (events & POLLOUT ? READINESS_WRITE : 0) |
           (events & POLLPRI ? READINESS_PRIORITY : 0);
}

static short events_of(uint64_t ready) {
    return (short)((ready & READINESS_READ ? POLLIN : 0) | (ready & READINESS_WRITE ? POLLOUT : 0) |
                   (ready & READINESS_PRIORITY ? POLLPRI : 0) | (ready & READINESS_ERROR ? POLLERR : 0) |
                   (ready & READINESS_HANG_UP ? POLLHUP : 0));
}

// Asks each descriptor, with a notification if one is given; counts those with events.
static size_t ask(struct pollfd *fds, nfds_t count, cap_t notification, uint64_t *tickets) {
    size_t ready_count = 0;
    for (nfds_t i = 0; i < count; i++) {
        struct descriptor *descriptor;
        uint64_t ready = 0, ticket = 0;
        fds[i].revents = 0;
        if (i < TICKETS_MAX)
            tickets[i] = 0;
        if (fds[i].fd < 0)
            continue;
        if (descriptor_get(fds[i].fd, &descriptor))
            fds[i].revents = POLLNVAL;
        else if (file_poll(descriptor->file, interest_of(fds[i].events), 1, i < TICKETS_MAX ? notification : 0, &ready,
                           &ticket) == ERR_OK)
            fds[i].revents = events_of(ready);
        else
            fds[i].revents = (short)(fds[i].events & (POLLIN | POLLOUT)); // files without poll never wait
        if (i < TICKETS_MAX)
            tickets[i] = ticket;
        ready_count += fds[i].revents != 0;
    }
    return ready_count;
}

error_t system_poll(struct pollfd *fds, nfds_t count, int timeout, size_t *ready) {
    uint64_t tickets[TICKETS_MAX], bits;
    uint64_t deadline = timeout > 0 ? clock_monotonic() + (uint64_t)timeout * 1000000 : 0;
    cap_t notification = 0;
    error_t error = timeout == 0 ? ERR_OK : layer_notification(&notification);
    while (!error) {
        *ready = ask(fds, count, notification, tickets);
        if (!*ready && timeout != 0) {
            error = layer_wait(notification, deadline, &bits);
        }
        for (nfds_t i = 0; i < count && i < TICKETS_MAX; i++) {
            struct descriptor *descriptor;
            if (tickets[i] && descriptor_get(fds[i].fd, &descriptor) == ERR_OK)
                (void)file_poll_end(descriptor->file, tickets[i]);
        }
        if (*ready || timeout == 0)
            return ERR_OK;
    }
    return error == ERR_DEADLINE ? ERR_OK : error; // nothing became ready in time: *ready is 0
}
