// Reading: read, pread, readv.
#include <sys/uio.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

ssize_t read(int fd, void *buffer, size_t size) {
    size_t done = 0;
    error_t error = system_read(fd, buffer, size, &done);
    return result_with(error, (ssize_t)done);
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
    size_t done = 0;
    error_t error = system_read_at(fd, buffer, size, offset, &done);
    return result_with(error, (ssize_t)done);
}

// Stops at the first part that comes up short; an error after that is the next call's.
ssize_t readv(int fd, const struct iovec *vector, int count) {
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = read(fd, vector[i].iov_base, vector[i].iov_len);
        if (done < 0)
            return total > 0 ? total : -1;
        total += done;
        if ((size_t)done < vector[i].iov_len)
            break;
    }
    return total;
}
