// realpath: the absolute path with no link, "." or ".." in it. `rest` is what must still be walked; a link's
// target is put in front of it.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    char done[PATH_MAX]; // absolute and resolved, without a slash at the end ("" is the root)
    char rest[PATH_MAX];
    char target[PATH_MAX];
    unsigned links;
};

static int walk_fail(int error) {
    errno = error;
    return -1;
}

// The component is at the end of `done` already; if it is a link its target goes in front of the rest.
static int walk_follow(struct walk *walk, size_t parent) {
    struct stat status;
    if (lstat(walk->done, &status) != 0)
        return -1;
    if (!S_ISLNK(status.st_mode))
        return *walk->rest != '\0' && !S_ISDIR(status.st_mode) ? walk_fail(ENOTDIR) : 0;
    if (++walk->links > SYMLOOP_MAX)
        return walk_fail(ELOOP);
    ssize_t length = readlink(walk->done, walk->target, sizeof walk->target - 1);
    if (length < 0)
        return -1;
    size_t rest = strlen(walk->rest);
    if ((size_t)length + 1 + rest + 1 > sizeof walk->rest)
        return walk_fail(ENAMETOOLONG);
    memmove(walk->rest + length + 1, walk->rest, rest + 1);
    memcpy(walk->rest, walk->target, (size_t)length);
    walk->rest[length] = '/';
    walk->done[walk->rest[0] == '/' ? 0 : parent] = '\0';
    return 0;
}

static int walk_run(struct walk *walk) {
    while (*walk->rest != '\0') {
        size_t length = strcspn(walk->rest, "/"), done = strlen(walk->done);
        size_t skip = length + strspn(walk->rest + length, "/");
        if (length == 2 && memcmp(walk->rest, "..", 2) == 0) {
            char *slash = strrchr(walk->done, '/');
            if (slash != NULL)
                *slash = '\0';
            length = 0;
        } else if (length == 1 && *walk->rest == '.') {
            length = 0;
        }
        if (length > 0) {
            if (done + 1 + length + 1 > sizeof walk->done)
                return walk_fail(ENAMETOOLONG);
            walk->done[done] = '/';
            memcpy(walk->done + done + 1, walk->rest, length);
            walk->done[done + 1 + length] = '\0';
        }
        memmove(walk->rest, walk->rest + skip, strlen(walk->rest + skip) + 1);
        if (length > 0 && walk_follow(walk, done) != 0)
            return -1;
    }
    return 0;
}

static int walk_start(struct walk *walk, const char *path) {
    if (*path == '\0')
        return walk_fail(ENOENT);
    if (strlcpy(walk->rest, path, sizeof walk->rest) >= sizeof walk->rest)
        return walk_fail(ENAMETOOLONG);
    walk->links = 0;
    walk->done[0] = '\0';
    if (*path != '/' && getcwd(walk->done, sizeof walk->done) == NULL)
        return -1;
    if (strcmp(walk->done, "/") == 0)
        walk->done[0] = '\0';
    return 0;
}

char *realpath(const char *restrict path, char *restrict result) {
    if (path == NULL) {
        errno = EINVAL;
        return NULL;
    }
    struct walk *walk = malloc(sizeof *walk);
    if (walk == NULL)
        return NULL;
    char *resolved = NULL;
    if (walk_start(walk, path) == 0 && walk_run(walk) == 0) {
        const char *found = walk->done[0] != '\0' ? walk->done : "/";
        resolved = result != NULL ? strcpy(result, found) : strdup(found);
    }
    free(walk);
    return resolved;
}
