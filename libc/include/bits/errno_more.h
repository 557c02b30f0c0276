// The errno values that POSIX programs name and that kernel/abi/errors.h has no ERR_ for: raised by libc
// itself (EDOM, EILSEQ) or not raised yet. Linux numbers, like the rest. errno.h makes the names,
// string/strerror.c the sentences.
#pragma once

#define __ERRNO_MORE_LIST(X)                                                                                                     \
    X(__ENOTBLK, 15, "block device required")                                                                                    \
    X(__ENFILE, 23, "too many open files in system")                                                                             \
    X(__ETXTBSY, 26, "text file busy")                                                                                           \
    X(__EDOM, 33, "argument out of domain")                                                                                      \
    X(__ENOLCK, 37, "no locks available")                                                                                        \
    X(__EIDRM, 43, "identifier removed")                                                                                         \
    X(__ENODATA, 61, "no data available")                                                                                        \
    X(__EBADMSG, 74, "bad message")                                                                                              \
    X(__EILSEQ, 84, "invalid multibyte character")                                                                               \
    X(__ENOTSOCK, 88, "not a socket")                                                                                            \
    X(__EDESTADDRREQ, 89, "destination address required")                                                                        \
    X(__EPROTOTYPE, 91, "wrong protocol type for socket")                                                                        \
    X(__ENOPROTOOPT, 92, "protocol not available")                                                                               \
    X(__EPROTONOSUPPORT, 93, "protocol not supported")                                                                           \
    X(__EOPNOTSUPP, 95, "operation not supported")                                                                               \
    X(__EAFNOSUPPORT, 97, "address family not supported")                                                                        \
    X(__EADDRINUSE, 98, "address in use")                                                                                        \
    X(__EADDRNOTAVAIL, 99, "address not available")                                                                              \
    X(__ENETDOWN, 100, "network is down")                                                                                        \
    X(__ENETUNREACH, 101, "network unreachable")                                                                                 \
    X(__ENETRESET, 102, "connection dropped by network")                                                                         \
    X(__ECONNABORTED, 103, "connection aborted")                                                                                 \
    X(__ECONNRESET, 104, "connection reset by peer")                                                                             \
    X(__ENOBUFS, 105, "no buffer space available")                                                                               \
    X(__EISCONN, 106, "already connected")                                                                                       \
    X(__ENOTCONN, 107, "not connected")                                                                                          \
    X(__ECONNREFUSED, 111, "connection refused")                                                                                 \
    X(__EHOSTUNREACH, 113, "host unreachable")                                                                                   \
    X(__EALREADY, 114, "operation already in progress")

enum {
#define __ERRNO_ENUMERATOR(name, value, sentence) name = (value),
    __ERRNO_MORE_LIST(__ERRNO_ENUMERATOR)
#undef __ERRNO_ENUMERATOR
};
