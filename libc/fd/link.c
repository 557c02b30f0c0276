// Names: making, moving and removing them.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"
#include "libc/internal/umask.h"

int mkdirat(int directory, const char *path, mode_t mode) {
    return result_of(system_make_directory(directory, path, mode_masked(mode)));
}

int mkdir(const char *path, mode_t mode) {
    return mkdirat(AT_FDCWD, path, mode);
}

int mknodat(int directory, const char *path, mode_t mode, dev_t device) {
    return result_of(system_make_node(directory, path, mode_masked(mode), device));
}

int mknod(const char *path, mode_t mode, dev_t device) {
    return mknodat(AT_FDCWD, path, mode, device);
}

int mkfifo(const char *path, mode_t mode) {
    return mknodat(AT_FDCWD, path, (mode & 07777) | S_IFIFO, 0);
}

int unlinkat(int directory, const char *path, int flags) {
    return result_of(system_unlink(directory, path, flags));
}

int unlink(const char *path) {
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return result_of(system_rename(from_directory, from, to_directory, to));
}

int rename(const char *from, const char *to) {
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    return result_of(system_link(from_directory, from, to_directory, to, flags));
}

int link(const char *from, const char *to) {
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *target, int directory, const char *path) {
    return result_of(system_symlink(target, directory, path));
}

int symlink(const char *target, const char *path) {
    return symlinkat(target, AT_FDCWD, path);
}

ssize_t readlinkat(int directory, const char *restrict path, char *restrict buffer, size_t size) {
    size_t done = 0;
    error_t error = system_read_link(directory, path, buffer, size, &done);
    return result_with(error, (ssize_t)done);
}

ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size) {
    return readlinkat(AT_FDCWD, path, buffer, size);
}
