// Writing: write, pwrite, writev.
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

ssize_t write(int fd, const void *buffer, size_t size) {
    size_t done = 0;
    error_t error = system_write(fd, buffer, size, &done);
    return result_with(error, (ssize_t)done);
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset) {
    size_t done = 0;
    error_t error = system_write_at(fd, buffer, size, offset, &done);
    return result_with(error, (ssize_t)done);
}

// The parts go out in one write, as POSIX wants of pipes; parts that are too much for the block below go one
// by one.
ssize_t writev(int fd, const struct iovec *vector, int count) {
    char block[4096];
    size_t used = 0;
    int i = 0;
    for (; i < count && vector[i].iov_len <= sizeof block - used; i++) {
        memcpy(block + used, vector[i].iov_base, vector[i].iov_len);
        used += vector[i].iov_len;
    }
    ssize_t total = used > 0 ? write(fd, block, used) : 0;
    if (total < 0 || (size_t)total < used)
        return total;
    for (; i < count; i++) {
        ssize_t done = write(fd, vector[i].iov_base, vector[i].iov_len);
        if (done < 0)
            return total > 0 ? total : -1;
        total += done;
        if ((size_t)done < vector[i].iov_len)
            break;
    }
    return total;
}
