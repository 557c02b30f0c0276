// basename and dirname (POSIX): slashes at the end of the path do not count. Both write into it.
#include <libgen.h>
#include <stddef.h>
#include <string.h>

static char here[] = ".", root[] = "/";

char *basename(char *path) {
    if (path == NULL || *path == '\0')
        return here;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

char *dirname(char *path) {
    if (path == NULL || *path == '\0')
        return here;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length == 0)
        return *path == '/' ? root : here;
    while (length > 0 && path[length - 1] == '/')
        length--;
    if (length == 0)
        return root;
    path[length] = '\0';
    return path;
}
