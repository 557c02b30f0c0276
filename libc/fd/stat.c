// What files are: stat and its kin, statvfs, access.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int fstatat(int directory, const char *restrict path, struct stat *restrict status, int flags) {
    return result_of(system_status(directory, path, flags, status));
}

int stat(const char *restrict path, struct stat *restrict status) {
    return fstatat(AT_FDCWD, path, status, 0);
}

int lstat(const char *restrict path, struct stat *restrict status) {
    return fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *status) {
    return fstatat(fd, "", status, AT_EMPTY_PATH);
}

int statvfs(const char *restrict path, struct statvfs *restrict status) {
    return result_of(system_file_system_status(AT_FDCWD, path, 0, status));
}

int fstatvfs(int fd, struct statvfs *status) {
    return result_of(system_file_system_status(fd, "", AT_EMPTY_PATH, status));
}

int faccessat(int directory, const char *path, int mode, int flags) {
    return result_of(system_access(directory, path, mode, flags));
}

int access(const char *path, int mode) {
    return faccessat(AT_FDCWD, path, mode, 0);
}
