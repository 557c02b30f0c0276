// Every error that a kernel call, a server or a library function can give: one list, from which the enumeration,
// the names and the sentences are made. An error_t is 0 (ERR_OK) or one of the negative values below. Where POSIX has a
// name for the condition the value is the negated Linux errno, so that libc's errno is a negation and nothing more;
// conditions that only Keelson has start at -200.
#pragma once

#include <stdint.h>

#define ERROR_LIST(X)                                                                                                            \
    X(ERR_NOT_PERMITTED, -1, "operation not permitted")                                                                          \
    X(ERR_NOT_FOUND, -2, "no such file or directory")                                                                            \
    X(ERR_NO_PROCESS, -3, "no such process")                                                                                     \
    X(ERR_INTERRUPTED, -4, "interrupted")                                                                                        \
    X(ERR_IO, -5, "input/output error")                                                                                          \
    X(ERR_NO_DEVICE_ADDRESS, -6, "no such device or address")                                                                    \
    X(ERR_TOO_BIG, -7, "argument list too long")                                                                                 \
    X(ERR_NOT_EXECUTABLE, -8, "exec format error")                                                                               \
    X(ERR_BAD_DESCRIPTOR, -9, "bad file descriptor")                                                                             \
    X(ERR_NO_CHILD, -10, "no child processes")                                                                                   \
    X(ERR_AGAIN, -11, "resource temporarily unavailable")                                                                        \
    X(ERR_NO_MEMORY, -12, "out of memory")                                                                                       \
    X(ERR_ACCESS, -13, "permission denied")                                                                                      \
    X(ERR_FAULT, -14, "bad address")                                                                                             \
    X(ERR_BUSY, -16, "device or resource busy")                                                                                  \
    X(ERR_EXISTS, -17, "file exists")                                                                                            \
    X(ERR_CROSS_DEVICE, -18, "invalid cross-device link")                                                                        \
    X(ERR_NO_DEVICE, -19, "no such device")                                                                                      \
    X(ERR_NOT_DIRECTORY, -20, "not a directory")                                                                                 \
    X(ERR_IS_DIRECTORY, -21, "is a directory")                                                                                   \
    X(ERR_INVALID, -22, "invalid argument")                                                                                      \
    X(ERR_TOO_MANY_FILES, -24, "too many open files")                                                                            \
    X(ERR_NOT_TERMINAL, -25, "not a terminal")                                                                                   \
    X(ERR_FILE_TOO_LARGE, -27, "file too large")                                                                                 \
    X(ERR_NO_SPACE, -28, "no space left on device")                                                                              \
    X(ERR_NOT_SEEKABLE, -29, "illegal seek")                                                                                     \
    X(ERR_READ_ONLY, -30, "read-only file system")                                                                               \
    X(ERR_TOO_MANY_LINKS, -31, "too many links")                                                                                 \
    X(ERR_BROKEN_PIPE, -32, "broken pipe")                                                                                       \
    X(ERR_RANGE, -34, "result out of range")                                                                                     \
    X(ERR_DEADLOCK, -35, "resource deadlock avoided")                                                                            \
    X(ERR_NAME_TOO_LONG, -36, "file name too long")                                                                              \
    X(ERR_NOT_SUPPORTED, -38, "function not supported")                                                                          \
    X(ERR_NOT_EMPTY, -39, "directory not empty")                                                                                 \
    X(ERR_TOO_MANY_SYMLINKS, -40, "too many levels of symbolic links")                                                           \
    X(ERR_PROTOCOL, -71, "protocol error")                                                                                       \
    X(ERR_OVERFLOW, -75, "value too large")                                                                                      \
    X(ERR_MESSAGE_SIZE, -90, "message too long")                                                                                 \
    X(ERR_DEADLINE, -110, "timed out")                                                                                           \
    X(ERR_IN_PROGRESS, -115, "operation in progress")                                                                            \
    X(ERR_STALE, -116, "stale handle")                                                                                           \
    X(ERR_QUOTA, -122, "quota exceeded")                                                                                         \
    X(ERR_NO_MEDIUM, -123, "no medium found")                                                                                    \
    X(ERR_CANCELLED, -125, "operation cancelled")                                                                                \
    X(ERR_BAD_CAPABILITY, -200, "no such capability")                                                                            \
    X(ERR_WRONG_KIND, -201, "wrong kind of capability")                                                                          \
    X(ERR_RIGHTS, -202, "capability lacks the right")                                                                            \
    X(ERR_REVOKED, -203, "capability is being revoked")                                                                          \
    X(ERR_SLOT_IN_USE, -204, "capability slot in use")                                                                           \
    X(ERR_BAD_METHOD, -205, "no such method")                                                                                    \
    X(ERR_BAD_MESSAGE, -206, "malformed message")                                                                                \
    X(ERR_SERVER_LOST, -207, "server lost while it served the request")                                                          \
    X(ERR_OUTCOME_UNKNOWN, -208, "outcome unknown")                                                                              \
    X(ERR_NO_REQUEST, -209, "no request is being served")                                                                        \
    X(ERR_PAGE_MISSING, -210, "page must be brought in first")                                                                   \
    X(ERR_CORRUPT, -211, "structure is corrupt")                                                                                 \
    X(ERR_REFUSED, -212, "request refused: its service failed twice")                                                            \
    X(ERR_DYING, -213, "object is being destroyed")                                                                              \
    X(ERR_PATH_STOPS, -214, "path leads out of this file system")

typedef int32_t error_t;

enum {
    ERR_OK = 0,
#define ERROR_ENUMERATOR(name, value, sentence) name = (value),
    ERROR_LIST(ERROR_ENUMERATOR)
#undef ERROR_ENUMERATOR
};

#define MUST_USE __attribute__((warn_unused_result))
