// See resolve.h. Two rules keep a program inside its root: going down, only mounts below the place are
// entered; going up out of a mount always starts again from the program's own root, whose sessions know their
// ceiling.
#include "servers/vfs/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"

static void place_set(struct resolution *resolution, struct mount *mount, cap_t node, bool owns_node) {
    if (resolution->owns_node)
        slot_release(resolution->node);
    mount->users++;
    if (resolution->mount != NULL)
        resolution->mount->users--;
    resolution->mount = mount;
    resolution->node = node;
    resolution->owns_node = owns_node;
}

static void name_set(struct resolution *resolution, const char *name, size_t length) {
    memcpy(resolution->name, name, length);
    resolution->name_length = length;
}

error_t resolution_make(struct directory *from, const char *path, size_t length, struct resolution **result) {
    struct resolution *resolution = malloc(sizeof(*resolution));
    if (resolution == NULL)
        return ERR_NO_MEMORY;
    resolution->root = from->root;
    directory_hold(from->root);
    resolution->mount = NULL;
    resolution->owns_node = false;
    resolution->links = 0;
    resolution->at = 0;
    resolution->length = length;
    memcpy(resolution->text, path, length);
    name_set(resolution, from->name, from->name_length);
    place_set(resolution, from->mount, from->node, false);
    *result = resolution;
    return ERR_OK;
}

void resolution_free(struct resolution *resolution) {
    if (resolution == NULL)
        return;
    if (resolution->owns_node)
        slot_release(resolution->node);
    resolution->mount->users--;
    directory_drop(resolution->root);
    free(resolution);
}

// What is left becomes `front`, a slash, and what is left behind `skip` bytes of it.
static error_t path_prepend(struct resolution *resolution, const char *front, size_t front_length, size_t skip) {
    size_t rest = resolution_rest_length(resolution) - skip;
    if (front_length + 1 + rest > PATH_BYTES_MAX)
        return ERR_NAME_TOO_LONG;
    memmove(resolution->text + front_length + 1, resolution_rest(resolution) + skip, rest);
    memcpy(resolution->text, front, front_length);
    // Without a rest the slash would ask for a directory where none need be.
    resolution->text[front_length] = '/';
    resolution->at = 0;
    resolution->length = rest == 0 ? front_length : front_length + 1 + rest;
    return ERR_OK;
}

static void go_to_root(struct resolution *resolution) {
    place_set(resolution, resolution->root->mount, resolution->root->node, false);
    name_set(resolution, resolution->root->name, resolution->root->name_length);
}

static void enter_mount(struct resolution *resolution, struct mount *mount, size_t consumed) {
    place_set(resolution, mount, mount->root, false);
    name_set(resolution, mount->name, mount->name_length);
    resolution->at += consumed;
}

static error_t follow_link(struct resolution *resolution, cap_t directory, size_t consumed, size_t target_length) {
    error_t error = target_length != 0 && target_length <= sizeof(resolution->target) ? ERR_OK : ERR_PROTOCOL;
    if (error == ERR_OK && ++resolution->links > LINKS_MAX)
        error = ERR_TOO_MANY_SYMLINKS;
    if (error == ERR_OK)
        error = path_append(resolution->name, &resolution->name_length, sizeof(resolution->name), resolution_rest(resolution),
                            consumed);
    if (error == ERR_OK)
        error = path_append(resolution->name, &resolution->name_length, sizeof(resolution->name), "..", 2);
    if (error == ERR_OK)
        error = path_prepend(resolution, resolution->target, target_length, consumed);
    if (error == ERR_OK && resolution->target[0] == '/')
        go_to_root(resolution);
    else if (error == ERR_OK) {
        place_set(resolution, resolution->mount, directory, true);
        return ERR_OK; // the node is the resolution's now
    }
    slot_release(directory);
    return error;
}

static bool is_below(const char *name, size_t length, const struct directory *root) {
    if (root->name_length == 1)
        return true;
    return length > root->name_length && memcmp(name, root->name, root->name_length) == 0 && name[root->name_length] == '/';
}

// '..' at a ceiling: the program's root, where it leads nowhere, or a mount's root. What is left begins with
// that '..'.
static error_t go_above(struct resolution *resolution) {
    struct mount *mount = resolution->mount;
    if (mount != resolution->root->mount && is_below(mount->name, mount->name_length, resolution->root)) {
        // The '..' becomes the path, from the program's root on, of the directory that holds the covered one.
        size_t skip = resolution->root->name_length == 1 ? 1 : resolution->root->name_length + 1;
        char *parent = resolution->target;
        size_t length = mount->name_length - skip;
        memcpy(parent, mount->name + skip, length);
        while (length > 0 && parent[length - 1] != '/')
            length--;
        struct path_step step;
        size_t consumed =
            path_next(resolution_rest(resolution), resolution_rest_length(resolution), 0, &step) ? step.name_end : 0;
        error_t error = path_prepend(resolution, parent, length, consumed);
        if (error == ERR_OK)
            go_to_root(resolution);
        return error;
    }
    struct path_step step;
    if (path_next(resolution_rest(resolution), resolution_rest_length(resolution), 0, &step))
        resolution->at += step.end;
    go_to_root(resolution);
    return ERR_OK;
}

static bool enter_by_text(struct resolution *resolution, uint64_t flags) {
    size_t consumed;
    struct mount *mount = mount_match(resolution->mount, resolution->name, resolution->name_length, resolution_rest(resolution),
                                      resolution_rest_length(resolution), (flags & PATH_FLAG_PARENT) != 0, &consumed);
    if (mount != NULL)
        enter_mount(resolution, mount, consumed);
    return mount != NULL;
}

error_t resolution_step(struct resolution *resolution, uint64_t flags, bool *done) {
    uint64_t stop, consumed, number, target_length;
    cap_t node = 0;
    *done = false;
    if (enter_by_text(resolution, flags))
        return ERR_OK;
    size_t left = resolution_rest_length(resolution);
    error_t error =
        directory_walk(resolution->node, 0, flags & (PATH_FLAG_NO_FOLLOW | PATH_FLAG_PARENT), resolution_rest(resolution), left,
                       resolution->target, sizeof(resolution->target), &stop, &consumed, &number, &target_length, &node);
    if (error != ERR_OK)
        return error;
    if (consumed > left || stop > WALK_STOP_ABOVE) {
        slot_release(node);
        return ERR_PROTOCOL;
    }
    if (stop == WALK_STOP_SYMLINK)
        return follow_link(resolution, node, consumed, target_length);
    if (stop == WALK_STOP_COVERED) {
        slot_release(node);
        struct mount *mount = mount_find(number);
        if (mount == NULL)
            return ERR_STALE;
        enter_mount(resolution, mount, consumed);
        return ERR_OK;
    }
    error =
        path_append(resolution->name, &resolution->name_length, sizeof(resolution->name), resolution_rest(resolution), consumed);
    place_set(resolution, resolution->mount, node, true);
    resolution->at += consumed;
    if (error == ERR_OK && stop == WALK_STOP_ABOVE)
        return go_above(resolution);
    *done = true;
    return error;
}

error_t resolution_walk(struct resolution *resolution, uint64_t flags) {
    bool done = false;
    error_t error = ERR_OK;
    // Every step but those that follow a link or go up uses up text; both are bounded.
    for (unsigned steps = 0; error == ERR_OK && !done; steps++)
        error = steps < 4 * PATH_BYTES_MAX ? resolution_step(resolution, flags, &done) : ERR_TOO_MANY_SYMLINKS;
    return error;
}

error_t resolution_take_node(struct resolution *resolution, uint64_t flags, cap_t *node) {
    if (resolution->owns_node && (flags & PATH_FLAG_CEILING) == 0) {
        *node = resolution->node;
        resolution->owns_node = false;
        return ERR_OK;
    }
    uint64_t stop, consumed, number, target_length;
    return directory_walk(resolution->node, 0, flags & PATH_FLAG_CEILING, "", 0, resolution->target, sizeof(resolution->target),
                          &stop, &consumed, &number, &target_length, node);
}
