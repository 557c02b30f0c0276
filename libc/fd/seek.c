// Positions, sizes and what is safely on the disk: lseek, truncate, fsync.
#include <fcntl.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

off_t lseek(int fd, off_t offset, int whence) {
    off_t position = -1;
    error_t error = system_seek(fd, offset, whence, &position);
    return result_with(error, position);
}

int ftruncate(int fd, off_t size) {
    return result_of(system_truncate(fd, size));
}

int truncate(const char *path, off_t size) {
    int fd;
    error_t error = system_open(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0, &fd);
    if (error != ERR_OK)
        return result_of(error);
    error = system_truncate(fd, size);
    system_close(fd);
    return result_of(error);
}

int fsync(int fd) {
    return result_of(system_sync_file(fd, false));
}

int fdatasync(int fd) {
    return result_of(system_sync_file(fd, true));
}

// The file system of fd alone is not to be had below, so all are written back.
int syncfs(int fd) {
    int flags;
    error_t error = system_descriptor_flags_get(fd, &flags);
    return result_of(error != ERR_OK ? error : system_sync());
}

void sync(void) {
    (void)!system_sync();
}
