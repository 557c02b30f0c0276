// Sending and receiving: send, recv and their kin. The parts of a message are put together first, so that
// they are one datagram.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

ssize_t sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t length) {
    size_t done = 0;
    error_t error = system_socket_send(fd, buffer, size, flags, address, length, &done);
    return result_with(error, (ssize_t)done);
}

ssize_t send(int fd, const void *buffer, size_t size, int flags) {
    return sendto(fd, buffer, size, flags, NULL, 0);
}

ssize_t recvfrom(int fd, void *restrict buffer, size_t size, int flags, struct sockaddr *restrict address,
                 socklen_t *restrict length) {
    size_t done = 0, whole = 0;
    error_t error = system_socket_receive(fd, buffer, size, flags, address, length, &done, &whole);
    return result_with(error, (ssize_t)((flags & MSG_TRUNC) != 0 ? whole : done));
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
    return recvfrom(fd, buffer, size, flags, NULL, NULL);
}

static size_t total_of(const struct msghdr *message) {
    size_t total = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        total += message->msg_iov[i].iov_len;
    return total;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    size_t total = total_of(message), at = 0;
    char *bytes = malloc(total != 0 ? total : 1);
    if (bytes == NULL)
        return result_of(ERR_NO_MEMORY);
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        memcpy(bytes + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        at += message->msg_iov[i].iov_len;
    }
    ssize_t sent = sendto(fd, bytes, total, flags, message->msg_name, message->msg_namelen);
    int saved = errno;
    free(bytes);
    errno = saved;
    return sent;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    size_t total = total_of(message), done = 0, whole = 0, at = 0;
    char *bytes = malloc(total != 0 ? total : 1);
    if (bytes == NULL)
        return result_of(ERR_NO_MEMORY);
    error_t error = system_socket_receive(fd, bytes, total, flags, message->msg_name,
                                          message->msg_name != NULL ? &message->msg_namelen : NULL, &done, &whole);
    for (size_t i = 0; error == ERR_OK && at < done; i++) {
        size_t part = done - at < message->msg_iov[i].iov_len ? done - at : message->msg_iov[i].iov_len;
        memcpy(message->msg_iov[i].iov_base, bytes + at, part);
        at += part;
    }
    free(bytes);
    message->msg_controllen = 0;
    message->msg_flags = whole > done ? MSG_TRUNC : 0;
    return result_with(error, (ssize_t)((flags & MSG_TRUNC) != 0 ? whole : done));
}
