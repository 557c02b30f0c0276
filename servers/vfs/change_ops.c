// The half of `directory` that makes, names and removes. Walked, vfs finds the directory of the last name and
// asks its server by a call of its own, since what is left of the path is not in the caller's buffer any
// more.
#include <stdlib.h>
#include <string.h>

#include "servers/vfs/forward.h"

// Resolves up to the last name, which is resolution_rest.
static error_t resolve_parent(struct request *request, uint64_t start, struct resolution **result) {
    *result = NULL;
    error_t error = resolution_from_request(request, start, result);
    return error == ERR_OK ? resolution_walk(*result, PATH_FLAG_PARENT) : error;
}

error_t vfs_directory_make_directory(struct request *request, const struct directory_make_directory_in *in,
                                     struct directory_make_directory_out *out) {
    (void)out;
    struct resolution *resolution;
    struct forward_place place;
    error_t error;
    if ((in->flags & PATH_FLAG_WALK) != 0) {
        error = resolve_parent(request, in->start, &resolution);
        if (error == ERR_OK)
            error = directory_make_directory(resolution->node, 0, 0, in->mode, resolution_rest(resolution),
                                             resolution_rest_length(resolution));
        resolution_free(resolution);
        return error;
    }
    error = forward_find(request, directory_of(request), in->start, true, &place);
    struct directory_make_directory_in passed = *in;
    passed.start = place.start;
    return error != ERR_OK ? error : directory_make_directory_forward(request, place.node, &passed);
}

error_t vfs_directory_make_node(struct request *request, const struct directory_make_node_in *in,
                                struct directory_make_node_out *out) {
    (void)out;
    struct resolution *resolution;
    struct forward_place place;
    error_t error;
    if ((in->flags & PATH_FLAG_WALK) != 0) {
        error = resolve_parent(request, in->start, &resolution);
        if (error == ERR_OK)
            error = directory_make_node(resolution->node, 0, 0, in->mode, in->kind, in->represents, resolution_rest(resolution),
                                        resolution_rest_length(resolution));
        resolution_free(resolution);
        return error;
    }
    error = forward_find(request, directory_of(request), in->start, true, &place);
    struct directory_make_node_in passed = *in;
    passed.start = place.start;
    return error != ERR_OK ? error : directory_make_node_forward(request, place.node, &passed);
}

error_t vfs_directory_unlink(struct request *request, const struct directory_unlink_in *in, struct directory_unlink_out *out) {
    (void)out;
    struct resolution *resolution;
    struct forward_place place;
    error_t error;
    if ((in->flags & PATH_FLAG_WALK) != 0) {
        error = resolve_parent(request, in->start, &resolution);
        if (error == ERR_OK)
            error = directory_unlink(resolution->node, 0, in->flags & UNLINK_FLAG_DIRECTORY, resolution_rest(resolution),
                                     resolution_rest_length(resolution));
        resolution_free(resolution);
        return error;
    }
    error = forward_find(request, directory_of(request), in->start, true, &place);
    struct directory_unlink_in passed = *in;
    passed.start = place.start;
    return error != ERR_OK ? error : directory_unlink_forward(request, place.node, &passed);
}

// `first`, a NUL, `second`, on the heap.
static char *join(const char *first, size_t first_length, const char *second, size_t second_length) {
    char *joined = malloc(first_length + 1 + second_length);
    if (joined == NULL)
        return NULL;
    memcpy(joined, first, first_length);
    joined[first_length] = '\0';
    memcpy(joined + first_length + 1, second, second_length);
    return joined;
}

static error_t make_symlink_walked(struct request *request, const struct directory_make_symlink_in *in) {
    struct path_text paths;
    struct resolution *resolution = NULL;
    size_t first;
    error_t error = path_text_copy_in_pair(&paths, request, &first);
    if (error == ERR_OK && (in->start <= first || in->start > paths.length || paths.length - in->start > PATH_BYTES_MAX))
        error = ERR_INVALID;
    if (error == ERR_OK)
        error = resolution_make(directory_of(request), paths.text + in->start, paths.length - in->start, &resolution);
    if (error == ERR_OK)
        error = resolution_walk(resolution, PATH_FLAG_PARENT);
    if (error == ERR_OK) {
        size_t rest = resolution_rest_length(resolution);
        char *joined = join(paths.text, first, resolution_rest(resolution), rest);
        error = joined != NULL ? directory_make_symlink(resolution->node, first + 1, 0, joined, first + 1 + rest) : ERR_NO_MEMORY;
        free(joined);
    }
    resolution_free(resolution);
    path_text_free(&paths);
    return error;
}

error_t vfs_directory_make_symlink(struct request *request, const struct directory_make_symlink_in *in,
                                   struct directory_make_symlink_out *out) {
    (void)out;
    struct forward_place place;
    if ((in->flags & PATH_FLAG_WALK) != 0)
        return make_symlink_walked(request, in);
    error_t error = forward_find(request, directory_of(request), in->start, true, &place);
    struct directory_make_symlink_in passed = *in;
    passed.start = place.start;
    return error != ERR_OK ? error : directory_make_symlink_forward(request, place.node, &passed);
}

// --- two paths
// ------------------------------------------------------------------------------------------------------ Both
// paths of a request and where each starts.
struct pair {
    struct path_text paths;
    size_t first; // length of the first path
    struct directory *from, *to;
    struct forward_place old, new;
};

static error_t pair_copy_in(struct pair *pair, struct request *request, uint64_t start, uint64_t new_start, cap_t new_directory) {
    error_t error = path_text_copy_in_pair(&pair->paths, request, &pair->first);
    if (error == ERR_OK && (start > pair->first || new_start <= pair->first || new_start > pair->paths.length))
        error = ERR_INVALID;
    if (error == ERR_OK && (pair->first > PATH_BYTES_MAX || pair->paths.length - new_start > PATH_BYTES_MAX))
        error = ERR_NAME_TOO_LONG;
    pair->from = pair->to = directory_of(request);
    if (error == ERR_OK && new_directory != 0)
        error = directory_identify(new_directory, &pair->to);
    if (error != ERR_OK)
        return error;
    directory_hold(pair->to); // the capability goes with the request, and that may be cancelled
    const char *text = pair->paths.text;
    pair->old = (struct forward_place){.mount = pair->from->mount, .node = pair->from->node, .start = start};
    pair->new = (struct forward_place){.mount = pair->to->mount, .node = pair->to->node, .start = new_start};
    error = forward_match(pair->from, text + start, pair->first - start, true, &pair->old);
    if (error == ERR_OK)
        error = forward_match(pair->to, text + new_start, pair->paths.length - new_start, true, &pair->new);
    if (error != ERR_OK)
        directory_drop(pair->to);
    return error;
}

// Walks both paths of a pair, of which `old_flags` says how the first is.
static error_t pair_resolve(const struct pair *pair, uint64_t start, uint64_t new_start, uint64_t old_flags,
                            struct resolution **old, struct resolution **new) {
    const char *text = pair->paths.text;
    error_t error = resolution_make(pair->from, text + start, pair->first - start, old);
    if (error == ERR_OK)
        error = resolution_walk(*old, old_flags);
    if (error == ERR_OK)
        error = resolution_make(pair->to, text + new_start, pair->paths.length - new_start, new);
    if (error == ERR_OK)
        error = resolution_walk(*new, PATH_FLAG_PARENT);
    if (error == ERR_OK && (*old)->mount != (*new)->mount)
        error = ERR_CROSS_DEVICE;
    return error;
}

enum pair_method { PAIR_RENAME, PAIR_LINK };

static error_t pair_walked(const struct pair *pair, enum pair_method method, uint64_t start, uint64_t new_start, uint64_t flags) {
    struct resolution *old = NULL, *new = NULL;
    uint64_t old_flags = method == PAIR_RENAME ? PATH_FLAG_PARENT : flags & PATH_FLAG_NO_FOLLOW;
    error_t error = pair_resolve(pair, start, new_start, old_flags, &old, &new);
    if (error == ERR_OK) {
        size_t old_length = resolution_rest_length(old), new_length = resolution_rest_length(new);
        size_t length = old_length + 1 + new_length;
        char *joined = join(resolution_rest(old), old_length, resolution_rest(new), new_length);
        flags &= ~(uint64_t)PATH_FLAG_WALK;
        if (joined == NULL)
            error = ERR_NO_MEMORY;
        else if (method == PAIR_RENAME)
            error = directory_rename(old->node, 0, old_length + 1, flags, new->node, joined, length);
        else
            error = directory_make_link(old->node, 0, old_length + 1, flags, new->node, joined, length);
        free(joined);
    }
    resolution_free(old);
    resolution_free(new);
    return error;
}

error_t vfs_directory_rename(struct request *request, const struct directory_rename_in *in, struct directory_rename_out *out) {
    (void)out;
    struct pair pair;
    error_t error = pair_copy_in(&pair, request, in->start, in->new_start, in->new_directory);
    if (error != ERR_OK) {
        path_text_free(&pair.paths);
        return error;
    }
    if ((in->flags & PATH_FLAG_WALK) != 0 || pair.old.mount != pair.new.mount) {
        error = pair_walked(&pair, PAIR_RENAME, in->start, in->new_start, in->flags);
    } else if (pair.old.node == pair.new.node) {
        struct directory_rename_in passed = *in;
        passed.start = pair.old.start;
        passed.new_start = pair.new.start;
        passed.new_directory = 0;
        error = directory_rename_forward(request, pair.old.node, &passed);
    } else {
        error = directory_rename(pair.old.node, pair.old.start, pair.new.start, in->flags, pair.new.node, pair.paths.text,
                                 pair.paths.length);
    }
    directory_drop(pair.to);
    path_text_free(&pair.paths);
    return error;
}

error_t vfs_directory_make_link(struct request *request, const struct directory_make_link_in *in,
                                struct directory_make_link_out *out) {
    (void)out;
    struct pair pair;
    error_t error = pair_copy_in(&pair, request, in->start, in->new_start, in->new_directory);
    if (error != ERR_OK) {
        path_text_free(&pair.paths);
        return error;
    }
    if ((in->flags & PATH_FLAG_WALK) != 0 || pair.old.mount != pair.new.mount) {
        error = pair_walked(&pair, PAIR_LINK, in->start, in->new_start, in->flags);
    } else if (pair.old.node == pair.new.node) {
        struct directory_make_link_in passed = *in;
        passed.start = pair.old.start;
        passed.new_start = pair.new.start;
        passed.new_directory = 0;
        error = directory_make_link_forward(request, pair.old.node, &passed);
    } else {
        error = directory_make_link(pair.old.node, pair.old.start, pair.new.start, in->flags, pair.new.node, pair.paths.text,
                                    pair.paths.length);
    }
    directory_drop(pair.to);
    path_text_free(&pair.paths);
    return error;
}
