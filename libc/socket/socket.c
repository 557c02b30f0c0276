// Making, naming and ending sockets.
#include <sys/socket.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int socket(int family, int type, int protocol) {
    int fd = -1;
    error_t error = system_socket(family, type, protocol, &fd);
    return (int)result_with(error, fd);
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
    return result_of(system_socket_bind(fd, address, length));
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    return result_of(system_socket_connect(fd, address, length));
}

int listen(int fd, int backlog) {
    return result_of(system_socket_listen(fd, backlog));
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags) {
    int accepted = -1;
    error_t error = system_socket_accept(fd, address, length, flags, &accepted);
    return (int)result_with(error, accepted);
}

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length) {
    return accept4(fd, address, length, 0);
}

int shutdown(int fd, int how) {
    return result_of(system_socket_shutdown(fd, how));
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length) {
    return result_of(system_socket_name(fd, false, address, length));
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length) {
    return result_of(system_socket_name(fd, true, address, length));
}
