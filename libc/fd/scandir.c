// scandir: all entries of a directory that a filter accepts, sorted.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int alphasort(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list_free(struct dirent **list, size_t count) {
    while (count > 0)
        free(list[--count]);
    free(list);
}

static int entry_add(struct dirent ***list, size_t *count, const struct dirent *entry) {
    if ((*count & (*count - 1)) == 0) { // full at every power of two
        struct dirent **larger = reallocarray(*list, *count > 0 ? *count * 2 : 1, sizeof *larger);
        if (larger == NULL)
            return -1;
        *list = larger;
    }
    struct dirent *copy = malloc(entry->d_reclen);
    if (copy == NULL)
        return -1;
    memcpy(copy, entry, entry->d_reclen);
    (*list)[(*count)++] = copy;
    return 0;
}

int scandir(const char *path, struct dirent ***result, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)) {
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    struct dirent **list = NULL;
    size_t count = 0;
    int old_errno = errno, failure = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            failure = errno;
            break;
        }
        if ((filter == NULL || filter(entry)) && entry_add(&list, &count, entry) != 0) {
            failure = ENOMEM;
            break;
        }
    }
    closedir(directory);
    if (failure != 0) {
        list_free(list, count);
        errno = failure;
        return -1;
    }
    errno = old_errno;
    if (compare != NULL)
        qsort(list, count, sizeof *list, (int (*)(const void *, const void *))compare);
    *result = list;
    return (int)count;
}
