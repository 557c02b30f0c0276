// ttyname: the terminal's path, found by its device number in /dev.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int ttyname_r(int fd, char *buffer, size_t size) {
    struct stat terminal, status;
    if (!isatty(fd) || fstat(fd, &terminal) != 0)
        return errno;
    DIR *directory = opendir("/dev");
    if (directory == NULL)
        return errno;
    int result = ENODEV;
    for (const struct dirent *entry; result == ENODEV && (entry = readdir(directory)) != NULL;) {
        if (fstatat(dirfd(directory), entry->d_name, &status, 0) != 0 || !S_ISCHR(status.st_mode) ||
            status.st_rdev != terminal.st_rdev)
            continue;
        int length = snprintf(buffer, size, "/dev/%s", entry->d_name);
        result = length < 0 || (size_t)length >= size ? ERANGE : 0;
    }
    closedir(directory);
    return result;
}

char *ttyname(int fd) {
    static char name[64];
    int error = ttyname_r(fd, name, sizeof name);
    if (error == 0)
        return name;
    errno = error;
    return NULL;
}
