// The protocol `directory` as programs speak it. What can be is forwarded, after a look at the path's text;
// the rest, and all that is asked with WALK, is resolved step by step (resolve.h).
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "servers/vfs/forward.h"
#include "servers/vfs/resolve.h"

// --- forwarding
// -----------------------------------------------------------------------------------------------------
enum { LOOK_BYTES = 256 }; // no mount's name is longer

error_t forward_find(struct request *request, struct directory *directory, uint64_t start, bool keep_last,
                     struct forward_place *place) {
    char path[LOOK_BYTES];
    *place = (struct forward_place){.mount = directory->mount, .node = directory->node, .start = start};
    if (start > request->lent_read_length)
        return ERR_INVALID;
    uint64_t length = request->lent_read_length - start, looked = length < LOOK_BYTES ? length : LOOK_BYTES;
    error_t error = request_copy_in(request, start, path, looked);
    if (error != ERR_OK)
        return error;
    return forward_match(directory, path, looked, keep_last, place);
}

error_t forward_match(struct directory *directory, const char *path, size_t length, bool keep_last, struct forward_place *place) {
    size_t consumed;
    struct mount *mount =
        mount_match(directory->mount, directory->name, directory->name_length, path, length, keep_last, &consumed);
    if (mount != NULL) {
        place->mount = mount;
        place->node = mount->root;
        place->start += consumed;
    }
    return ERR_OK;
}

// --- walking
// --------------------------------------------------------------------------------------------------------
error_t resolution_from_request(struct request *request, uint64_t start, struct resolution **result) {
    struct path_text path;
    error_t error = path_text_copy_in(&path, request, start);
    if (error == ERR_OK)
        error = resolution_make(directory_of(request), path.text, path.length, result);
    path_text_free(&path);
    return error;
}

// Resolves the whole path of a request; NULL on error.
static error_t resolve(struct request *request, uint64_t start, uint64_t flags, struct resolution **result) {
    *result = NULL;
    error_t error = resolution_from_request(request, start, result);
    return error == ERR_OK ? resolution_walk(*result, flags) : error;
}

// Finds the file, or makes it: others may do either at the same time, so both are tried in turn.
static error_t resolve_or_make(struct resolution *resolution, uint64_t flags, uint64_t mode) {
    uint64_t follow = flags & PATH_FLAG_NO_FOLLOW;
    bool is_exclusive = (flags & OPEN_FLAG_EXCLUSIVE) != 0, is_made = false, done = false;
    if (is_exclusive)
        follow = PATH_FLAG_NO_FOLLOW;
    for (unsigned steps = 0; steps < 4 * PATH_BYTES_MAX; steps++) {
        error_t error = resolution_walk(resolution, PATH_FLAG_PARENT);
        if (error != ERR_OK)
            return error;
        error = resolution_step(resolution, follow, &done);
        if (error == ERR_OK && done)
            return is_exclusive && !is_made ? ERR_EXISTS : ERR_OK;
        if (error == ERR_OK)
            continue;
        if (error != ERR_NOT_FOUND)
            return error;
        error = directory_make_node(resolution->node, 0, 0, mode, FILE_KIND_REGULAR, 0, resolution_rest(resolution),
                                    resolution_rest_length(resolution));
        if (error != ERR_OK && (error != ERR_EXISTS || is_exclusive))
            return error;
        is_made = error == ERR_OK;
    }
    return ERR_AGAIN;
}

static error_t open_walked(struct request *request, const struct directory_open_in *in) {
    struct resolution *resolution = NULL;
    error_t error = resolution_from_request(request, in->start, &resolution);
    if (error == ERR_OK)
        error = (in->flags & OPEN_FLAG_CREATE) != 0 ? resolve_or_make(resolution, in->flags, in->mode)
                                                    : resolution_walk(resolution, in->flags & PATH_FLAG_NO_FOLLOW);
    if (error == ERR_OK) {
        struct directory_open_in passed = *in;
        passed.start = request->lent_read_length;
        passed.flags &= ~(uint64_t)(PATH_FLAG_WALK | OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE);
        error = directory_open_forward(request, resolution->node, &passed);
    }
    resolution_free(resolution);
    return error;
}

static error_t handle_open(struct request *request, const struct directory_open_in *in, struct directory_open_out *out) {
    (void)out;
    struct forward_place place;
    if ((in->flags & PATH_FLAG_WALK) != 0)
        return open_walked(request, in);
    error_t error = forward_find(request, directory_of(request), in->start, false, &place);
    if (error != ERR_OK)
        return error;
    struct directory_open_in passed = *in;
    passed.start = place.start;
    return directory_open_forward(request, place.node, &passed);
}

// The rest of the simple ones: forwarded to the place that the text says, or, walked, to the node itself.
#define FORWARD_WHOLE(request, in, name)                                                                                         \
    do {                                                                                                                         \
        struct directory_##name##_in passed = *(in);                                                                             \
        struct resolution *resolution = NULL;                                                                                    \
        struct forward_place place;                                                                                              \
        error_t error;                                                                                                           \
        if (((in)->flags & PATH_FLAG_WALK) != 0) {                                                                               \
            error = resolve(request, (in)->start, (in)->flags & PATH_FLAG_NO_FOLLOW, &resolution);                               \
            place.start = (request)->lent_read_length;                                                                           \
            place.node = resolution != NULL ? resolution->node : 0;                                                              \
            passed.flags &= ~(uint64_t)PATH_FLAG_WALK;                                                                           \
        } else {                                                                                                                 \
            error = forward_find(request, directory_of(request), (in)->start, false, &place);                                    \
        }                                                                                                                        \
        passed.start = place.start;                                                                                              \
        if (error == ERR_OK)                                                                                                     \
            error = directory_##name##_forward(request, place.node, &passed);                                                    \
        resolution_free(resolution);                                                                                             \
        return error;                                                                                                            \
    } while (0)

static error_t handle_status(struct request *request, const struct directory_status_in *in, struct directory_status_out *out) {
    (void)out;
    FORWARD_WHOLE(request, in, status);
}

static error_t handle_filesystem_status(struct request *request, const struct directory_filesystem_status_in *in,
                                        struct directory_filesystem_status_out *out) {
    (void)out;
    FORWARD_WHOLE(request, in, filesystem_status);
}

static error_t handle_read_link(struct request *request, const struct directory_read_link_in *in,
                                struct directory_read_link_out *out) {
    (void)out;
    struct directory_read_link_in unfollowed = *in;
    unfollowed.flags |= PATH_FLAG_NO_FOLLOW;
    FORWARD_WHOLE(request, &unfollowed, read_link);
}

static error_t handle_walk(struct request *request, const struct directory_walk_in *in, struct directory_walk_out *out) {
    struct directory *from = directory_of(request);
    struct resolution *resolution;
    cap_t node;
    error_t error = resolve(request, in->start, in->flags & (PATH_FLAG_NO_FOLLOW | PATH_FLAG_PARENT), &resolution);
    if (error == ERR_OK)
        error = resolution_take_node(resolution, in->flags, &node);
    if (error == ERR_OK) {
        out->stop = WALK_STOP_DONE;
        out->consumed = in->path_size - in->start;
        if ((in->flags & PATH_FLAG_PARENT) != 0 && resolution->links == 0)
            out->consumed -= resolution_rest_length(resolution);
        struct directory *root = (in->flags & PATH_FLAG_CEILING) != 0 ? NULL : from->root;
        error = directory_make(resolution->mount, node, resolution->name, resolution->name_length, root, &out->node);
    }
    resolution_free(resolution);
    return error;
}

static error_t handle_direct(struct request *request, const struct directory_direct_in *in, struct directory_direct_out *out) {
    (void)out;
    struct forward_place place;
    error_t error = forward_find(request, directory_of(request), in->start, true, &place);
    if (error != ERR_OK)
        return error;
    struct directory_direct_in passed = *in;
    passed.start = place.start;
    return directory_direct_forward(request, place.node, &passed);
}

// --- places
// ---------------------------------------------------------------------------------------------------------
static error_t handle_path(struct request *request, const struct directory_path_in *in, struct directory_path_out *out) {
    struct directory *directory = directory_of(request);
    char *text = malloc(2 * PATH_BYTES_MAX), *root = text + PATH_BYTES_MAX;
    size_t length = 0, root_length = 0;
    if (text == NULL)
        return ERR_NO_MEMORY;
    error_t error = directory_locate(directory, text, PATH_BYTES_MAX, &length);
    if (error == ERR_OK)
        error = directory_locate(directory->root, root, PATH_BYTES_MAX, &root_length);
    size_t skip = root_length == 1 ? 0 : root_length;
    if (error == ERR_OK && (length < skip || memcmp(text, root, skip) != 0 || (length > skip && text[skip] != '/')))
        error = ERR_NOT_FOUND; // it was moved out of the root
    if (error == ERR_OK && length == skip)
        text[--skip] = '/';
    if (error == ERR_OK && length - skip > in->text_size)
        error = ERR_NAME_TOO_LONG;
    if (error == ERR_OK)
        error = request_copy_out(request, 0, text + skip, length - skip);
    out->count = length - skip;
    free(text);
    return error;
}

static error_t handle_adopt(struct request *request, const struct directory_adopt_in *in, struct directory_adopt_out *out) {
    struct directory *from = directory_of(request);
    struct directory found = {0};
    error_t error = ERR_WRONG_KIND;
    for (struct mount *mount = vfs.mounts; mount != NULL && error == ERR_WRONG_KIND;) {
        // Through the program's own root where it can be, so that its ceiling holds.
        if (mount->is_ending) {
            mount = mount->next;
            continue;
        }
        cap_t by = mount == from->root->mount ? from->root->node : mount->root;
        found.mount = mount;
        mount->users++;
        error = directory_adopt(by, in->file, &found.node);
        mount->users--;
        mount = mount->next;
    }
    if (error != ERR_OK)
        return error;
    char *name = malloc(PATH_BYTES_MAX);
    size_t length = 0;
    error = name != NULL ? directory_locate(&found, name, PATH_BYTES_MAX, &length) : ERR_NO_MEMORY;
    if (error == ERR_OK)
        error = directory_make(found.mount, found.node, name, length, from->root, &out->node);
    else
        slot_release(found.node);
    free(name);
    return error;
}

const struct directory_ops vfs_directory_ops = {
    .open = handle_open,
    .status = handle_status,
    .walk = handle_walk,
    .make_directory = vfs_directory_make_directory,
    .make_node = vfs_directory_make_node,
    .make_symlink = vfs_directory_make_symlink,
    .make_link = vfs_directory_make_link,
    .rename = vfs_directory_rename,
    .unlink = vfs_directory_unlink,
    .read_link = handle_read_link,
    .filesystem_status = handle_filesystem_status,
    .path = handle_path,
    .adopt = handle_adopt,
    .direct = handle_direct,
};
