// Changing a file's mode, owner and times.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int fchmodat(int directory, const char *path, mode_t mode, int flags) {
    return result_of(system_change_mode(directory, path, mode, flags));
}

int chmod(const char *path, mode_t mode) {
    return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchmod(int fd, mode_t mode) {
    return fchmodat(fd, "", mode, AT_EMPTY_PATH);
}

int fchownat(int directory, const char *path, uid_t uid, gid_t gid, int flags) {
    return result_of(system_change_owner(directory, path, uid, gid, flags));
}

int chown(const char *path, uid_t uid, gid_t gid) {
    return fchownat(AT_FDCWD, path, uid, gid, 0);
}

int lchown(const char *path, uid_t uid, gid_t gid) {
    return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int fchown(int fd, uid_t uid, gid_t gid) {
    return fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
}

int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
    return result_of(system_set_times(directory, path, times, flags));
}

int futimens(int fd, const struct timespec times[2]) {
    return utimensat(fd, "", times, AT_EMPTY_PATH);
}

int utimes(const char *path, const struct timeval times[2]) {
    if (times == NULL)
        return utimensat(AT_FDCWD, path, NULL, 0);
    struct timespec precise[2];
    for (int i = 0; i < 2; i++)
        precise[i] = (struct timespec){times[i].tv_sec, times[i].tv_usec * 1000};
    return utimensat(AT_FDCWD, path, precise, 0);
}
