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
    while (mount != NULL && mount->number != number)
        mount = mount->next;
    return mount;
}

// If `path`, up to its first '..', begins with the names of `below`: the bytes that they take; else 0.
static size_t match_length(const char *below, size_t below_length, const char *path, size_t length,
                           bool keep_last) {
    struct path_step wanted, given;
    size_t at = 0, path_at = 0, end = 0;
    while (path_next(below, below_length, at, &wanted)) {
        do {
            if (!path_next(path, length, path_at, &given))
                return 0;
            path_at = given.end;
        } while (path_step_is_dot(&given));
        if (given.length != wanted.length || memcmp(given.name, wanted.name, wanted.length) != 0 ||
            (keep_last && given.is_last))
            return 0;
        at = wanted.end;
        end = given.name_end;
    }
    return end;
}

struct mount *mount_match(const struct mount *inside, const char *name, size_t name_length, const char *path,
                          size_t length, bool keep_last, size_t *consumed) {
    struct mount *best = NULL;
    for (struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next) {
        size_t skip = name_length == 1 ? 1 : name_length + 1; // "/" and what lies below it
        if (mount->top != inside->top || mount->parent == NULL || mount->name_length <= skip ||
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

static void root_set(struct mount *mount) {
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
    error_t error = filesystem_attach(mount->filesystem, mount->flags, device, text, (uint64_t)length,
                                      &mount->flags, &mount->root);
    ipc_deadline = outer;
    return error;
}

// Finds the directory that `target` names and hides it behind the mount.
static error_t cover(struct mount *mount, const char *target, size_t length) {
    struct resolution *resolution;
    if (length > PATH_BYTES_MAX)
        return ERR_NAME_TOO_LONG;
    error_t error = resolution_make(&vfs.root, target, length, &resolution);
    if (error != ERR_OK)
        return error;
    error = resolution_walk(resolution, 0);
    if (error == ERR_OK && resolution->name_length == 1)
        error = ERR_BUSY; // the caller has made sure that / was not meant
    if (error == ERR_OK && resolution->name_length == resolution->mount->name_length)
        error = ERR_BUSY; // something is mounted there
    if (error == ERR_OK && resolution->name_length > MOUNT_NAME_BYTES)
        error = ERR_NAME_TOO_LONG;
    if (error == ERR_OK)
        error = resolution_take_node(resolution, 0, &mount->covered);
    if (error == ERR_OK) {
        error = directory_cover(mount->covered, mount->number);
        if (error != ERR_OK) {
            slot_release(mount->covered);
            mount->covered = 0;
        }
    }
    if (error == ERR_OK) {
        memcpy(mount->name, resolution->name, resolution->name_length);
        mount->name_length = resolution->name_length;
        mount->parent = resolution->mount;
        mount->top = resolution->mount->top;
    }
    resolution_free(resolution);
    return error;
}

static void uncover(struct mount *mount) {
    error_t ignored = directory_cover(mount->covered, 0); // a file server that lost its state covers nothing
    (void)ignored;
    slot_release(mount->covered);
    mount->covered = 0;
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

error_t mount_make(const char *type, const char *source, const char *target, const char *options,
                   uint64_t flags) {
    struct mount *mount;
    cap_t device = 0;
    error_t error = mount_create(type, source, flags, &mount);
    if (error != ERR_OK)
        return error;
    bool on_root = names_root(target);
    if (*target == '\0')
        error = ERR_NOT_FOUND;
    if (error == ERR_OK && source[0] == '/')
        error = device_open(source, flags, &device);
    if (error == ERR_OK && !on_root)
        error = cover(mount, target, strlen(target));
    if (error == ERR_OK) {
        error = attach(mount, options, device);
        if (error != ERR_OK && !on_root)
            uncover(mount);
    }
    slot_release(device);
    if (error != ERR_OK) {
        free(mount);
        return error;
    }
    mount_enter(mount);
    if (on_root)
        root_set(mount);
    picture_draw();
    picture_show(mount->filesystem);
    return ERR_OK;
}

// Mounts on top of / go first, newest first, as long as nobody uses them.
static error_t children_end(struct mount *top) {
    for (;;) {
        struct mount *last = NULL;
        for (struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next)
            if (mount->top == top && mount != top)
                last = mount;
        if (last == NULL)
            return ERR_OK;
        if (last->users != 0)
            return ERR_BUSY;
        error_t error = filesystem_detach(last->filesystem, 0, last->root);
        if (error != ERR_OK)
            return error;
        slot_release(last->root);
        uncover(last);
        mount_leave(last);
        free(last);
    }
}

static error_t root_end(void) {
    struct mount *top = vfs.root.mount, *before = NULL;
    for (struct mount *mount = vfs.mounts; mount != NULL && mount != top; mount = mount->next)
        if (mount->parent == NULL)
            before = mount;
    if (before == NULL)
        return ERR_BUSY; // what the machine started with stays
    error_t error = children_end(top);
    if (error == ERR_OK && top->users != 0)
        error = ERR_BUSY;
    if (error == ERR_OK)
        error = filesystem_detach(top->filesystem, 0, top->root);
    if (error != ERR_OK)
        return error;
    slot_release(top->root);
    root_set(before);
    mount_leave(top);
    free(top);
    picture_draw();
    return ERR_OK;
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
    if (mount->parent == NULL)
        return mount == vfs.root.mount ? root_end() : ERR_INVALID;
    if (mount->users != 0 || has_children(mount))
        return ERR_BUSY;
    mount->users++; // while its server works, nobody else ends it
    error = filesystem_detach(mount->filesystem, 0, mount->root);
    mount->users--;
    if (error != ERR_OK)
        return error;
    slot_release(mount->root);
    uncover(mount);
    mount_leave(mount);
    free(mount);
    picture_draw();
    return ERR_OK;
}
