// errno and its values. Every E... name is the negation of the ERR_... that a call below gave
// (kernel/abi/errors.h), so a value is listed once; conditions that only Keelson has keep their number (200
// and up) and have sentences in strerror, but no E... name. Names that POSIX has and the system never returns
// itself are listed in bits/errno_more.h.
#pragma once

#include "kernel/abi/errors.h"
#include <bits/errno_more.h>

#define errno (*__errno_location())
int *__errno_location(void) __attribute__((const));

#define EPERM        (-ERR_NOT_PERMITTED)
#define ENOENT       (-ERR_NOT_FOUND)
#define ESRCH        (-ERR_NO_PROCESS)
#define EINTR        (-ERR_INTERRUPTED)
#define EIO          (-ERR_IO)
#define ENXIO        (-ERR_NO_DEVICE_ADDRESS)
#define E2BIG        (-ERR_TOO_BIG)
#define ENOEXEC      (-ERR_NOT_EXECUTABLE)
#define EBADF        (-ERR_BAD_DESCRIPTOR)
#define ECHILD       (-ERR_NO_CHILD)
#define EAGAIN       (-ERR_AGAIN)
#define EWOULDBLOCK  EAGAIN
#define ENOMEM       (-ERR_NO_MEMORY)
#define EACCES       (-ERR_ACCESS)
#define EFAULT       (-ERR_FAULT)
#define EBUSY        (-ERR_BUSY)
#define EEXIST       (-ERR_EXISTS)
#define EXDEV        (-ERR_CROSS_DEVICE)
#define ENODEV       (-ERR_NO_DEVICE)
#define ENOTDIR      (-ERR_NOT_DIRECTORY)
#define EISDIR       (-ERR_IS_DIRECTORY)
#define EINVAL       (-ERR_INVALID)
#define EMFILE       (-ERR_TOO_MANY_FILES)
#define ENOTTY       (-ERR_NOT_TERMINAL)
#define EFBIG        (-ERR_FILE_TOO_LARGE)
#define ENOSPC       (-ERR_NO_SPACE)
#define ESPIPE       (-ERR_NOT_SEEKABLE)
#define EROFS        (-ERR_READ_ONLY)
#define EMLINK       (-ERR_TOO_MANY_LINKS)
#define EPIPE        (-ERR_BROKEN_PIPE)
#define ERANGE       (-ERR_RANGE)
#define EDEADLK      (-ERR_DEADLOCK)
#define ENAMETOOLONG (-ERR_NAME_TOO_LONG)
#define ENOSYS       (-ERR_NOT_SUPPORTED)
#define ENOTEMPTY    (-ERR_NOT_EMPTY)
#define ELOOP        (-ERR_TOO_MANY_SYMLINKS)
#define EPROTO       (-ERR_PROTOCOL)
#define EOVERFLOW    (-ERR_OVERFLOW)
#define EMSGSIZE     (-ERR_MESSAGE_SIZE)
#define ETIMEDOUT    (-ERR_DEADLINE)
#define EINPROGRESS  (-ERR_IN_PROGRESS)
#define ESTALE       (-ERR_STALE)
#define EDQUOT       (-ERR_QUOTA)
#define ENOMEDIUM    (-ERR_NO_MEDIUM)
#define ECANCELED    (-ERR_CANCELLED)

#define ENOTBLK         __ENOTBLK
#define ENFILE          __ENFILE
#define ETXTBSY         __ETXTBSY
#define EDOM            __EDOM
#define ENOLCK          __ENOLCK
#define EIDRM           __EIDRM
#define ENODATA         __ENODATA
#define EBADMSG         __EBADMSG
#define EILSEQ          __EILSEQ
#define ENOTSOCK        __ENOTSOCK
#define EDESTADDRREQ    __EDESTADDRREQ
#define EPROTOTYPE      __EPROTOTYPE
#define ENOPROTOOPT     __ENOPROTOOPT
#define EPROTONOSUPPORT __EPROTONOSUPPORT
#define EOPNOTSUPP      __EOPNOTSUPP
#define ENOTSUP         EOPNOTSUPP
#define EAFNOSUPPORT    __EAFNOSUPPORT
#define EADDRINUSE      __EADDRINUSE
#define EADDRNOTAVAIL   __EADDRNOTAVAIL
#define ENETDOWN        __ENETDOWN
#define ENETUNREACH     __ENETUNREACH
#define ENETRESET       __ENETRESET
#define ECONNABORTED    __ECONNABORTED
#define ECONNRESET      __ECONNRESET
#define ENOBUFS         __ENOBUFS
#define EISCONN         __EISCONN
#define ENOTCONN        __ENOTCONN
#define ECONNREFUSED    __ECONNREFUSED
#define EHOSTUNREACH    __EHOSTUNREACH
#define EALREADY        __EALREADY
