// The mount table. A mount is entered in the server of the directory that it hides (directory.cover), so that
// walks stop there, and in the table by its name, so that most walks need not. What is mounted on / hides all
// mounts that were there before.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/filesystem.h"
#include "libipc/start/start.h"
#include "servers/vfs/resolve.h"

enum { ATTACH_BYTES = 1024 };
#define ATTACH_NANOSECONDS UINT64_C(30000000000) // a role that does not run answers never

struct mount *mount_find(uint64_t number) {
    struct mount *mount = vfs.mounts;
    while (mount != NULL && (mount->number != number || mount->is_ending))
        mount = mount->next;
    return mount;
}

// If `path`, up to its first '..', begins with the names of `below`: the bytes that they take; else 0.
static size_t match_length(const char *below, size_t below_length, const char *path, size_t length, bool keep_last) {
    struct path_step wanted, given;
    size_t at = 0, path_at = 0, end = 0;
    while (path_next(below, below_length, at, &wanted)) {
        do {
            if (!path_next(path, length, path_at, &given))
                return 0;
            path_at = given.end;
        } while (path_step_is_dot(&given));
        if (given.length != wanted.length || memcmp(given.name, wanted.name, wanted.length) != 0 || (keep_last && given.is_last))
            return 0;
        at = wanted.end;
        end = given.name_end;
    }
    return end;
}

struct mount *mount_match(const struct mount *inside, const char *name, size_t name_length, const char *path, size_t length,
                          bool keep_last, size_t *consumed) {
    struct mount *best = NULL;
    for (struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next) {
        size_t skip = name_length == 1 ? 1 : name_length + 1; // "/" and what lies below it
        if (mount->top != inside->top || !mount->is_covering || mount->is_ending || mount->name_length <= skip ||
            memcmp(mount->name, name, name_length) != 0 || mount->name[skip - 1] != '/' ||
            (best != NULL && best->name_length >= mount->name_length))
            continue;
        size_t taken = match_length(mount->name + skip, mount->name_length - skip, path, length, keep_last);
        if (taken == 0)
            continue;
        best = mount;
        *consumed = taken;
    }
    return best;
}

static void mount_enter(struct mount *mount) {
    struct mount **place = &vfs.mounts;
    while (*place != NULL)
        place = &(*place)->next;
    *place = mount;
}

static void mount_leave(struct mount *mount) {
    struct mount **place = &vfs.mounts;
    while (*place != mount)
        place = &(*place)->next;
    *place = mount->next;
}

// Programs that hold sessions of what is hidden now ask anew.
static void root_set(struct mount *mount) {
    for (struct mount *old = vfs.root.mount != NULL ? vfs.mounts : NULL; old != NULL; old = old->next) {
        if (old->top != vfs.root.mount || old->is_ending)
            continue;
        error_t ignored = directory_cover(old->root, mount->number); // a file server that lost its state has no sessions
        (void)ignored;
    }
    vfs.root.mount = mount;
    vfs.root.node = mount->root;
}

// The disk behind an absolute path.
static error_t device_open(const char *path, uint64_t flags, cap_t *device) {
    struct resolution *resolution;
    uint64_t kind, protocol;
    cap_t file = 0;
    if (strlen(path) > PATH_BYTES_MAX)
        return ERR_NAME_TOO_LONG;
    error_t error = resolution_make(&vfs.root, path, strlen(path), &resolution);
    if (error != ERR_OK)
        return error;
    uint64_t access = OPEN_FLAG_READ | ((flags & MOUNT_FLAG_READ_ONLY) != 0 ? 0 : (uint64_t)OPEN_FLAG_WRITE);
    error = resolution_walk(resolution, 0);
    if (error == ERR_OK)
        error = directory_open(resolution->node, 0, access, 0, "", 0, &kind, &file);
    if (error == ERR_OK)
        error = file_device(file, &protocol, device);
    if (error == ERR_OK && protocol != PROTOCOL_BLOCK) {
        slot_release(*device);
        error = ERR_NO_DEVICE;
    }
    slot_release(file);
    resolution_free(resolution);
    return error;
}

static error_t attach(struct mount *mount, const char *options, cap_t device) {
    char text[ATTACH_BYTES];
    int length = snprintf(text, sizeof(text), "%s%c%s", mount->source, 0, options);
    if (length < 0 || length >= (int)sizeof(text))
        return ERR_INVALID;
    uint64_t outer = ipc_deadline;
    ipc_deadline = clock_monotonic() + ATTACH_NANOSECONDS;
    error_t error =
        filesystem_attach(mount->filesystem, mount->flags, device, text, (uint64_t)length, &mount->flags, &mount->root);
    ipc_deadline = outer;
    return error;
}

// Finds the directory that `target` names and that can be hidden. The resolution keeps its mount in use.
static error_t target_find(const char *target, struct resolution **result) {
    size_t length = strlen(target);
    *result = NULL;
    if (length == 0 || length > PATH_BYTES_MAX)
        return length == 0 ? ERR_NOT_FOUND : ERR_NAME_TOO_LONG;
    error_t error = resolution_make(&vfs.root, target, length, result);
    if (error == ERR_OK)
        error = resolution_walk(*result, 0);
    if (error != ERR_OK)
        return error;
    if ((*result)->name_length == (*result)->mount->name_length)
        return ERR_BUSY; // something is mounted there
    return (*result)->name_length <= MOUNT_NAME_BYTES ? ERR_OK : ERR_NAME_TOO_LONG;
}

// Enters the mount and hides the directory behind it. It is in the table before its directory leads to it, so
// that a walk which stops there finds it.
static error_t cover(struct mount *mount, struct resolution *target) {
    error_t error = resolution_take_node(target, 0, &mount->covered);
    if (error != ERR_OK)
        return error;
    memcpy(mount->name, target->name, target->name_length);
    mount->name_length = target->name_length;
    mount->parent = target->mount;
    mount->top = target->mount->top;
    mount_enter(mount);
    error = directory_cover(mount->covered, mount->number);
    if (error == ERR_OK) {
        mount->is_covering = true;
        return ERR_OK;
    }
    mount_leave(mount);
    slot_release(mount->covered);
    mount->covered = 0;
    return error;
}

static void uncover(struct mount *mount) {
    error_t ignored = directory_cover(mount->covered, 0); // a file server that lost its state covers nothing
    (void)ignored;
    slot_release(mount->covered);
    mount->covered = 0;
}

static void detach(struct mount *mount) {
    error_t ignored = filesystem_detach(mount->filesystem, 0, mount->root);
    (void)ignored;
    slot_release(mount->root);
}

static bool names_root(const char *path) {
    return path[strspn(path, "/.")] == '\0' && strstr(path, "..") == NULL;
}

static error_t mount_create(const char *type, const char *source, uint64_t flags, struct mount **result) {
    char name[STARTUP_NAME_BYTES];
    int length = snprintf(name, sizeof(name), "fs.%s", type);
    cap_t filesystem = length > 0 && length < (int)sizeof(name) ? startup_capability(name) : 0;
    if (filesystem == 0 || strlen(type) >= MOUNT_TYPE_BYTES)
        return ERR_NO_DEVICE;
    struct mount *mount = calloc(1, sizeof(*mount));
    if (mount == NULL)
        return ERR_NO_MEMORY;
    mount->number = ++vfs.last_number;
    mount->flags = flags;
    mount->filesystem = filesystem;
    mount->top = mount;
    mount->name[0] = '/';
    mount->name_length = 1;
    strncpy(mount->type, type, sizeof(mount->type) - 1);
    strncpy(mount->source, source, sizeof(mount->source) - 1);
    *result = mount;
    return ERR_OK;
}

static error_t mount_on(struct mount *mount, const char *target, const char *options, cap_t device) {
    struct resolution *resolution = NULL;
    bool on_root = names_root(target);
    error_t error = on_root ? ERR_OK : target_find(target, &resolution);
    if (error == ERR_OK)
        error = attach(mount, options, device);
    if (error == ERR_OK && on_root) {
        mount_enter(mount);
        root_set(mount);
    } else if (error == ERR_OK) {
        error = cover(mount, resolution);
        if (error != ERR_OK)
            detach(mount);
    }
    resolution_free(resolution);
    return error;
}

// Two file servers, or one twice, on the same disk would ruin it.
static bool is_mounted(const char *source) {
    for (const struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next)
        if (strncmp(mount->source, source, sizeof(mount->source) - 1) == 0)
            return true;
    return false;
}

error_t mount_make(const char *type, const char *source, const char *target, const char *options, uint64_t flags) {
    struct mount *mount;
    cap_t device = 0;
    if (source[0] == '/' && is_mounted(source))
        return ERR_BUSY;
    error_t error = mount_create(type, source, flags, &mount);
    if (error != ERR_OK)
        return error;
    if (source[0] == '/')
        error = device_open(source, flags, &device);
    if (error == ERR_OK)
        error = mount_on(mount, target, options, device);
    slot_release(device);
    if (error != ERR_OK) {
        free(mount);
        return error;
    }
    picture_draw();
    picture_show(mount->filesystem);
    return ERR_OK;
}

// Detaches it and takes it out of the table, if nobody is in it and its server lets it go.
static error_t mount_finish(struct mount *mount) {
    if (mount->users != 0 || mount->is_ending)
        return ERR_BUSY;
    mount->is_ending = true;
    error_t error = filesystem_detach(mount->filesystem, 0, mount->root);
    if (error != ERR_OK) {
        mount->is_ending = false;
        return error;
    }
    slot_release(mount->root);
    if (mount->covered != 0)
        uncover(mount);
    mount_leave(mount);
    free(mount);
    return ERR_OK;
}

// Mounts on top of / go first, newest first, as long as nobody uses them.
static error_t children_end(struct mount *top) {
    for (;;) {
        struct mount *last = NULL;
        for (struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next)
            if (mount->top == top && mount != top)
                last = mount;
        error_t error = last != NULL ? mount_finish(last) : ERR_OK;
        if (last == NULL || error != ERR_OK)
            return error;
    }
}

// What was on / before comes back.
static error_t root_end(void) {
    struct mount *top = vfs.root.mount, *before = NULL;
    for (struct mount *mount = vfs.mounts; mount != NULL && mount != top; mount = mount->next)
        if (mount->parent == NULL)
            before = mount;
    if (before == NULL)
        return ERR_BUSY; // what the machine started with stays
    error_t error = children_end(top);
    if (error != ERR_OK)
        return error;
    root_set(before);
    error = mount_finish(top);
    if (error != ERR_OK)
        root_set(top);
    return error;
}

static bool has_children(const struct mount *parent) {
    for (const struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next)
        if (mount->parent == parent)
            return true;
    return false;
}

// The mount whose root `target` names.
static error_t mount_named(const char *target, size_t length, struct mount **result) {
    struct resolution *resolution;
    error_t error = resolution_make(&vfs.root, target, length, &resolution);
    if (error != ERR_OK)
        return error;
    error = resolution_walk(resolution, 0);
    *result = resolution->mount;
    if (error == ERR_OK && resolution->name_length != resolution->mount->name_length)
        error = ERR_INVALID;
    resolution_free(resolution);
    return error;
}

error_t mount_end(const char *target, size_t length) {
    struct mount *mount;
    error_t error = mount_named(target, length, &mount);
    if (error != ERR_OK)
        return error;
    if (mount->parent == NULL) {
        error = mount == vfs.root.mount ? root_end() : ERR_INVALID;
        picture_draw(); // some may have gone
        return error;
    }
    if (has_children(mount))
        return ERR_BUSY;
    error = mount_finish(mount);
    if (error == ERR_OK)
        picture_draw();
    return error;
}
