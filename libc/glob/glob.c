// glob (POSIX): walks the pattern component by component. Components without special characters are taken as
// they are; the others are matched against the entries of the directory.
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct globbing {
    int flags;
    int (*on_error)(const char *path, int error);
    char **paths;
    size_t count, capacity;
    char path[PATH_MAX]; // what was walked so far
};

static int path_add(struct globbing *globbing, const char *path, bool mark) {
    if (globbing->count == globbing->capacity) {
        size_t capacity = globbing->capacity * 2 + 16;
        char **larger = reallocarray(globbing->paths, capacity, sizeof *larger);
        if (larger == NULL)
            return GLOB_NOSPACE;
        globbing->paths = larger;
        globbing->capacity = capacity;
    }
    size_t length = strlen(path);
    char *copy = malloc(length + 2);
    if (copy == NULL)
        return GLOB_NOSPACE;
    memcpy(copy, path, length + 1);
    if (mark && length > 0 && path[length - 1] != '/')
        memcpy(copy + length, "/", 2);
    globbing->paths[globbing->count++] = copy;
    return 0;
}

// A '[' that is not closed stands for itself (POSIX, XCU 2.13.1), as in the command of this name.
static bool is_special(const char *component, size_t length, int flags) {
    bool open = false;
    for (size_t i = 0; i < length; i++) {
        if (component[i] == '*' || component[i] == '?' || (component[i] == ']' && open))
            return true;
        open = open || component[i] == '[';
        if (component[i] == '\\' && (flags & GLOB_NOESCAPE) == 0)
            i++;
    }
    return false;
}

static int walk(struct globbing *globbing, size_t used, const char *rest);

// The whole pattern was walked: the path counts if something is there.
static int walk_end(struct globbing *globbing) {
    struct stat status;
    if (lstat(globbing->path, &status) != 0)
        return 0;
    bool mark =
        (globbing->flags & GLOB_MARK) != 0 &&
        (S_ISDIR(status.st_mode) || (S_ISLNK(status.st_mode) && stat(globbing->path, &status) == 0 && S_ISDIR(status.st_mode)));
    return path_add(globbing, globbing->path, mark);
}

// Goes on with one name in the place of a component.
static int walk_name(struct globbing *globbing, size_t used, const char *name, size_t length, const char *rest) {
    if (used + length + 1 > sizeof globbing->path)
        return 0; // too long to exist
    memcpy(globbing->path + used, name, length);
    globbing->path[used + length] = '\0';
    return walk(globbing, used + length, rest);
}

static int walk_plain(struct globbing *globbing, size_t used, const char *component, size_t length, const char *rest) {
    char name[NAME_MAX + 1];
    size_t plain = 0;
    for (size_t i = 0; i < length; i++) {
        if (component[i] == '\\' && (globbing->flags & GLOB_NOESCAPE) == 0 && i + 1 < length)
            i++;
        if (plain == NAME_MAX)
            return 0;
        name[plain++] = component[i];
    }
    return walk_name(globbing, used, name, plain, rest);
}

static int directory_failed(struct globbing *globbing, int error) {
    if (error == ENOENT || error == ENOTDIR)
        return 0;
    if (globbing->on_error != NULL && globbing->on_error(globbing->path, error) != 0)
        return GLOB_ABORTED;
    return (globbing->flags & GLOB_ERR) != 0 ? GLOB_ABORTED : 0;
}

static int walk_entries(struct globbing *globbing, size_t used, const char *pattern, const char *rest) {
    globbing->path[used] = '\0';
    DIR *directory = opendir(used > 0 ? globbing->path : ".");
    if (directory == NULL)
        return directory_failed(globbing, errno);
    int flags = FNM_PERIOD | ((globbing->flags & GLOB_NOESCAPE) != 0 ? FNM_NOESCAPE : 0), result = 0;
    for (const struct dirent *entry; result == 0 && (entry = readdir(directory)) != NULL;) {
        bool leads_on = *rest == '\0' || entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
        if (leads_on && fnmatch(pattern, entry->d_name, flags) == 0)
            result = walk_name(globbing, used, entry->d_name, strlen(entry->d_name), rest);
    }
    closedir(directory);
    return result;
}

// used: bytes of globbing->path that are walked; rest: of the pattern.
static int walk(struct globbing *globbing, size_t used, const char *rest) {
    size_t slashes = strspn(rest, "/");
    if (used + slashes + 1 > sizeof globbing->path)
        return 0;
    memcpy(globbing->path + used, rest, slashes);
    used += slashes;
    globbing->path[used] = '\0';
    rest += slashes;
    if (*rest == '\0')
        return walk_end(globbing);
    size_t length = strcspn(rest, "/");
    if (!is_special(rest, length, globbing->flags))
        return walk_plain(globbing, used, rest, length, rest + length);
    char pattern[PATH_MAX];
    if (length >= sizeof pattern)
        return 0;
    memcpy(pattern, rest, length);
    pattern[length] = '\0';
    return walk_entries(globbing, used, pattern, rest + length);
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Moves what was found into the caller's result, behind what is there already.
static int result_store(const struct globbing *globbing, glob_t *result, size_t offset, size_t old) {
    char **all = calloc(offset + old + globbing->count + 1, sizeof *all);
    if (all == NULL)
        return GLOB_NOSPACE;
    if (old > 0)
        memcpy(all + offset, result->gl_pathv + offset, old * sizeof *all);
    if (globbing->count > 0)
        memcpy(all + offset + old, globbing->paths, globbing->count * sizeof *all);
    if ((globbing->flags & GLOB_APPEND) != 0)
        free(result->gl_pathv);
    result->gl_pathv = all;
    result->gl_pathc = old + globbing->count;
    return 0;
}

int glob(const char *pattern, int flags, int (*on_error)(const char *path, int error), glob_t *result) {
    struct globbing *globbing = calloc(1, sizeof *globbing);
    if ((flags & GLOB_APPEND) == 0) {
        result->gl_pathc = 0;
        result->gl_pathv = NULL;
    }
    if (globbing == NULL)
        return GLOB_NOSPACE;
    globbing->flags = flags;
    globbing->on_error = on_error;
    int error = *pattern != '\0' ? walk(globbing, 0, pattern) : 0;
    if (error == 0 && globbing->count == 0)
        error = (flags & GLOB_NOCHECK) != 0 ? path_add(globbing, pattern, false) : GLOB_NOMATCH;
    if (error == 0 && (flags & GLOB_NOSORT) == 0)
        qsort(globbing->paths, globbing->count, sizeof *globbing->paths, compare_paths);
    size_t offset = (flags & GLOB_DOOFFS) != 0 ? result->gl_offs : 0;
    size_t old = (flags & GLOB_APPEND) != 0 ? result->gl_pathc : 0;
    if (error == 0)
        error = result_store(globbing, result, offset, old);
    if (error != 0)
        for (size_t i = 0; i < globbing->count; i++)
            free(globbing->paths[i]);
    if ((flags & GLOB_DOOFFS) == 0)
        result->gl_offs = 0;
    free(globbing->paths);
    free(globbing);
    return error;
}

void globfree(glob_t *result) {
    for (size_t i = 0; i < result->gl_pathc; i++)
        free(result->gl_pathv[result->gl_offs + i]);
    free(result->gl_pathv);
    result->gl_pathv = NULL;
    result->gl_pathc = 0;
}
