// Directory streams: a descriptor and a buffer of records, handed out one by one.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

struct __directory {
    int fd;
    size_t at, end; // the records in the buffer that were not handed out
    off_t position; // where the record at `at` starts, for telldir
    _Alignas(8) char buffer[4096 - 32];
};

DIR *fdopendir(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return NULL;
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    DIR *directory = malloc(sizeof *directory);
    if (directory == NULL)
        return NULL;
    directory->fd = fd;
    directory->at = directory->end = 0;
    directory->position = 0;
    return directory;
}

DIR *opendir(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    DIR *directory = malloc(sizeof *directory);
    if (directory == NULL) {
        close(fd);
        return NULL;
    }
    directory->fd = fd;
    directory->at = directory->end = 0;
    directory->position = 0;
    return directory;
}

int closedir(DIR *directory) {
    int fd = directory->fd;
    free(directory);
    return close(fd);
}

struct dirent *readdir(DIR *directory) {
    if (directory->at >= directory->end) {
        size_t done = 0;
        error_t error = system_read_directory(directory->fd, directory->buffer, sizeof directory->buffer, &done);
        if (result_of(error) != 0 || done == 0)
            return NULL;
        directory->at = 0;
        directory->end = done;
    }
    struct dirent *entry = (struct dirent *)(void *)(directory->buffer + directory->at);
    directory->at += entry->d_reclen;
    directory->position = entry->d_off;
    return entry;
}

void seekdir(DIR *directory, long position) {
    off_t reached;
    if (system_seek(directory->fd, position, SEEK_SET, &reached) != ERR_OK)
        return;
    directory->at = directory->end = 0;
    directory->position = position;
}

void rewinddir(DIR *directory) {
    seekdir(directory, 0);
}

long telldir(DIR *directory) {
    return directory->position;
}

int dirfd(DIR *directory) {
    return directory->fd;
}
