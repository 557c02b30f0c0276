// sendmmsg and recvmmsg (Linux): datagrams by the system layer's requests for several, all else one by one.
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

enum { MESSAGES_MOST = 1024, NANOSECONDS = 1000000000, NANOSECONDS_PER_MILLISECOND = 1000000 };

// One by itself; false: errno tells.
static bool send_one(int fd, struct mmsghdr *message, int flags) {
    ssize_t sent = sendmsg(fd, &message->msg_hdr, flags);
    if (sent >= 0)
        message->msg_len = (unsigned)sent;
    return sent >= 0;
}

static bool receive_one(int fd, struct mmsghdr *message, int flags) {
    ssize_t got = recvmsg(fd, &message->msg_hdr, flags);
    if (got >= 0)
        message->msg_len = (unsigned)got;
    return got >= 0;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    unsigned done = 0;
    count = count < MESSAGES_MOST ? count : MESSAGES_MOST;
    while (done < count) {
        size_t tried = 0, sent = 0;
        error_t error = system_socket_send_many(fd, messages + done, count - done, flags, &tried, &sent);
        bool more = error == ERR_OK && sent == tried;
        if (error == ERR_NOT_SUPPORTED) {
            more = send_one(fd, messages + done, flags);
            sent = more;
        } else if (error != ERR_OK && done == 0) {
            return result_of(error);
        }
        done += (unsigned)sent;
        if (!more)
            break;
    }
    return done != 0 || count == 0 ? (int)done : -1; // errno is that of the first
}

// What is left until `deadline`; 0: nothing.
static int64_t nanoseconds_left(const struct timespec *deadline) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left = (deadline->tv_sec - now.tv_sec) * NANOSECONDS + deadline->tv_nsec - now.tv_nsec;
    return left > 0 ? left : 0;
}

// Until something can be received; false: errno tells.
static bool wait_until(int fd, const struct timespec *deadline) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int64_t milliseconds = (nanoseconds_left(deadline) + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND;
    int ready = poll(&wanted, 1, milliseconds < INT32_MAX ? (int)milliseconds : INT32_MAX);
    if (ready == 0)
        errno = EAGAIN;
    return ready > 0;
}

static int receive(int fd, struct mmsghdr *messages, unsigned count, int flags, const struct timespec *deadline) {
    unsigned done = 0;
    while (done < count) {
        bool wait = (flags & MSG_DONTWAIT) == 0 && (done == 0 || (flags & MSG_WAITFORONE) == 0), more = true;
        if (wait && deadline != NULL && !wait_until(fd, deadline))
            break;
        int now = (flags & ~MSG_WAITFORONE) | (wait && deadline == NULL ? 0 : MSG_DONTWAIT);
        size_t got = 0;
        error_t error = system_socket_receive_many(fd, messages + done, count - done, now, &got, &more);
        if (error == ERR_NOT_SUPPORTED)
            got = receive_one(fd, messages + done, now);
        else if (error != ERR_OK)
            (void)result_of(error);
        done += (unsigned)got;
        bool again = got == 0 && errno == EAGAIN && wait && deadline != NULL; // somebody else took it
        if (!again && (got == 0 || (!more && (flags & (MSG_WAITFORONE | MSG_DONTWAIT)) != 0)))
            break;
    }
    return done != 0 || count == 0 ? (int)done : -1;
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout) {
    struct timespec deadline;
    count = count < MESSAGES_MOST ? count : MESSAGES_MOST;
    if (timeout == NULL)
        return receive(fd, messages, count, flags, NULL);
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= NANOSECONDS)
        return result_of(ERR_INVALID);
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout->tv_sec < INT32_MAX ? timeout->tv_sec : INT32_MAX;
    deadline.tv_nsec += timeout->tv_nsec;
    int done = receive(fd, messages, count, flags, &deadline);
    int64_t left = nanoseconds_left(&deadline);
    timeout->tv_sec = left / NANOSECONDS;
    timeout->tv_nsec = left % NANOSECONDS;
    return done;
}
