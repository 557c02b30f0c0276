// See path.h.
#include "servers/framework/path.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/kept/undo.h"

// To its caller's stack.
KEPT_UNNOTED bool path_next(const char *path, size_t length, size_t offset, struct path_step *step) {
    while (offset < length && path[offset] == '/')
        offset++;
    if (offset >= length)
        return false;
    size_t end = offset;
    while (end < length && path[end] != '/')
        end++;
    *step = (struct path_step){.name = path + offset, .length = end - offset, .name_end = end};
    step->wants_directory = end < length;
    while (end < length && path[end] == '/')
        end++;
    step->end = end;
    step->is_last = end == length;
    return true;
}

static size_t name_without_last(const char *name, size_t length) {
    while (length > 1 && name[length - 1] != '/')
        length--;
    return length > 1 ? length - 1 : 1;
}

error_t path_append(char *name, size_t *length, size_t size, const char *path, size_t path_length) {
    struct path_step step;
    for (size_t offset = 0; path_next(path, path_length, offset, &step); offset = step.end) {
        if (path_step_is_dot(&step))
            continue;
        if (path_step_is_dots(&step)) {
            *length = name_without_last(name, *length);
            continue;
        }
        size_t at = *length == 1 ? 0 : *length;
        if (at + 1 + step.length > size)
            return ERR_NAME_TOO_LONG;
        name[at] = '/';
        memcpy(name + at + 1, step.name, step.length);
        *length = at + 1 + step.length;
    }
    return ERR_OK;
}

static error_t copy_in(struct path_text *path, struct request *request, uint64_t start, uint64_t maximum) {
    path->text = path->small;
    path->length = 0;
    if (start > request->lent_read_length)
        return ERR_INVALID;
    uint64_t length = request->lent_read_length - start;
    if (length > maximum)
        return ERR_NAME_TOO_LONG;
    if (length >= PATH_SMALL) {
        path->text = malloc(length + 1);
        if (path->text == NULL) {
            path->text = path->small;
            return ERR_NO_MEMORY;
        }
    }
    error_t error = request_copy_in(request, start, path->text, length);
    if (error != ERR_OK)
        return error;
    path->length = length;
    path->text[length] = '\0';
    return ERR_OK;
}

error_t path_text_copy_in(struct path_text *path, struct request *request, uint64_t start) {
    error_t error = copy_in(path, request, start, PATH_BYTES_MAX);
    if (error == ERR_OK && memchr(path->text, '\0', path->length) != NULL)
        return ERR_INVALID;
    return error;
}

error_t path_text_copy_in_pair(struct path_text *paths, struct request *request, size_t *first) {
    error_t error = copy_in(paths, request, 0, 2 * PATH_BYTES_MAX);
    if (error != ERR_OK)
        return error;
    const char *end = memchr(paths->text, '\0', paths->length);
    if (end == NULL || memchr(end + 1, '\0', paths->length - (size_t)(end + 1 - paths->text)) != NULL)
        return ERR_INVALID;
    *first = (size_t)(end - paths->text);
    return ERR_OK;
}

void path_text_free(struct path_text *path) {
    if (path->text != path->small)
        free(path->text);
    path->text = path->small;
}
