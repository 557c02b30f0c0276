// The working directory.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int chdir(const char *path) {
    if (*path == '\0')
        return result_of(ERR_NOT_FOUND);
    return result_of(system_change_directory(AT_FDCWD, path));
}

int fchdir(int fd) {
    return result_of(system_change_directory(fd, ""));
}

// With no buffer given the path is allocated (a common extension).
char *getcwd(char *buffer, size_t size) {
    char path[PATH_MAX];
    if (buffer != NULL && size == 0) {
        errno = EINVAL;
        return NULL;
    }
    if (buffer == NULL) {
        if (result_of(system_working_directory(path, sizeof path)) != 0)
            return NULL;
        return strdup(path);
    }
    return result_of(system_working_directory(buffer, size)) == 0 ? buffer : NULL;
}
