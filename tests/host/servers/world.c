// See world.h.
#include "libc/system/direct.h"
#include "tests/host/servers/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/vfs.h"
#include "servers/devfs/state.h"
#include "servers/framework/file_server.h"
#include "servers/initrdfs/archive.h"
#include "servers/tmpfs/attach.h"
#include "tests/host/servers/check.h"
#include "tests/host/servers/world_vfs.h"

unsigned long world_directs;
cap_t world_root, world_mount;

static struct tree initrd_tree = {.ops = &initrd_ops, .flags = MOUNT_FLAG_READ_ONLY, .type = "initrdfs"};
static struct file_server initrd_server = {.name = "initrdfs", .only_tree = &initrd_tree};
static struct file_server tmpfs_server = {.name = "tmpfs", .attach = tmpfs_attach, .detach = tmpfs_detach};
static struct file_server devfs_server = {.name = "devfs", .only_tree = &devfs_tree};

#define FILE_SERVER_ENTRY(name)                                                                                                  \
    static error_t name##_dispatch(struct request *request) {                                                                    \
        return file_server_dispatch(&name##_server, request);                                                                    \
    }                                                                                                                            \
    static void name##_closed(uint64_t badge) {                                                                                  \
        file_server_session_closed(&name##_server, badge);                                                                       \
    }                                                                                                                            \
    static struct machine_server name##_machine = {&name##_server.server, name##_dispatch, name##_closed};

FILE_SERVER_ENTRY(initrd)
FILE_SERVER_ENTRY(tmpfs)
FILE_SERVER_ENTRY(devfs)

// --- the archive
// ------------------------------------------------------------------------------------------------------
static unsigned char archive[8192];
static size_t archive_length;

static void archive_add(const char *name, unsigned mode, const char *data) {
    size_t size = strlen(data);
    char header[111];
    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1, mode, 0, 0, 1, 0,
             (unsigned)size, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
    memcpy(archive + archive_length, header, 110);
    memcpy(archive + archive_length + 110, name, strlen(name) + 1);
    archive_length = (archive_length + 110 + strlen(name) + 1 + 3) & ~(size_t)3;
    memcpy(archive + archive_length, data, size);
    archive_length = (archive_length + size + 3) & ~(size_t)3;
}

static void archive_make(void) {
    static const char *const folders[] = {".", "dev", "tmp", "mnt", "proc", "etc", "bin"};
    for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        archive_add(folders[i], 0040755, "");
    archive_add("etc/motd", 0100644, "hello\n");
    archive_add("bin/sh", 0100755, "#!");
    archive_add("link", 0120777, "etc/motd");
    archive_add("up", 0120777, "../tmp");
    archive_add("absolute", 0120777, "/etc");
    archive_add("TRAILER!!!", 0, "");
}

void world_begin(void) {
    static bool is_made;
    if (!is_made) {
        struct initrd_node *root;
        archive_make();
        CHECK(initrd_parse(archive, archive_length, &root) == ERR_OK);
        initrd_tree.root = (struct tree_node *)root;
        devices_make();
        machine_add_server(&initrd_machine);
        machine_add_server(&tmpfs_machine);
        machine_add_server(&devfs_machine);
        machine_add_server(world_vfs_machine());
        machine_name_capability("fs.initrdfs", machine_session(&initrd_server.server, "vfs"));
        machine_name_capability("fs.tmpfs", machine_session(&tmpfs_server.server, "vfs"));
        machine_name_capability("fs.devfs", machine_session(&devfs_server.server, "vfs"));
        world_root = machine_session(world_vfs_machine()->server, "root");
        world_mount = machine_session(world_vfs_machine()->server, "mount");
        world_vfs_begin();
        is_made = true;
    }
}

void world_end(void) {
    static uint32_t slots;
    direct_forget(world_root);
    CHECK(machine_memory_bytes() <= 16 * 1024); // the picture of the mounts
    world_vfs_check_empty();
    CHECK(tmpfs_server.trees == NULL && tmpfs_server.sessions.count == 0);
    CHECK(initrd_server.sessions.count == 1 && initrd_tree.covers == NULL);
    if (slots == 0)
        slots = machine_slots();
    CHECK(machine_slots() == slots);
}

error_t world_do_mount(const char *type, const char *source, const char *target, const char *options) {
    char what[1024];
    int length = snprintf(what, sizeof(what), "%s%c%s%c%s%c%s", type, 0, source, 0, target, 0, options);
    return vfs_mount(world_mount, 0, what, (uint64_t)length);
}

error_t world_unmount(const char *target) {
    return vfs_unmount(world_mount, 0, target, strlen(target));
}

static struct {
    const struct tree_ops *usual;
    struct tree_ops ops;
    void (*see)(void);
} watched;

static void release_watched(struct tree_node *node) {
    void (*see)(void) = watched.see;
    watched.see = NULL;
    if (see != NULL)
        see();
    watched.usual->release(node);
}

void world_before_release(void (*see)(void)) {
    watched.usual = tmpfs_server.trees->ops;
    watched.ops = *watched.usual;
    watched.ops.release = release_watched;
    watched.see = see;
    tmpfs_server.trees->ops = &watched.ops;
}

// --- a program's calls
// -------------------------------------------------------------------------------------------------- Absolute
// paths lose their slashes, as libc takes them away.
static const char *relative(const char *path) {
    return path + strspn(path, "/");
}

#define WALKING(flags, call)                                                                                                     \
    do {                                                                                                                         \
        uint64_t path_flags = (flags);                                                                                           \
        error_t error = (call);                                                                                                  \
        if (error == ERR_PATH_STOPS) {                                                                                           \
            path_flags |= PATH_FLAG_WALK;                                                                                        \
            error = (call);                                                                                                      \
            CHECK(error != ERR_PATH_STOPS);                                                                                      \
        }                                                                                                                        \
        return error;                                                                                                            \
    } while (0)

// One path from `base`: the common root is asked by libc's short ways.
#define WALKING_DIRECTLY(flags, call)                                                                                            \
    do {                                                                                                                         \
        cap_t asked = base;                                                                                                      \
        const char *whole = path;                                                                                                \
        const struct direct *direct = base == world_root ? direct_find(base, path, &path) : NULL;                                \
        if (direct != NULL) {                                                                                                    \
            uint64_t path_flags = (flags);                                                                                       \
            base = direct_node(direct);                                                                                          \
            error_t error = (call);                                                                                              \
            world_directs++;                                                                                                     \
            if (direct_answered(direct, error))                                                                                  \
                return error;                                                                                                    \
            base = asked;                                                                                                        \
            path = whole;                                                                                                        \
        }                                                                                                                        \
        if (base == world_root)                                                                                                  \
            direct_missed(base, path);                                                                                           \
        WALKING(flags, call);                                                                                                    \
    } while (0)

error_t path_open(cap_t base, const char *path, uint64_t flags, cap_t *file) {
    uint64_t kind;
    path = relative(path);
    WALKING_DIRECTLY(flags, directory_open(base, 0, path_flags, 0644, path, strlen(path), &kind, file));
}

error_t path_status(cap_t base, const char *path, uint64_t flags, struct file_status *status) {
    path = relative(path);
    WALKING_DIRECTLY(flags, directory_status(base, 0, path_flags, path, strlen(path), status));
}

error_t path_walk(cap_t base, const char *path, uint64_t flags, cap_t *node) {
    uint64_t stop, consumed, mount, target_length;
    char target[1];
    path = relative(path);
    return directory_walk(base, 0, flags, path, strlen(path), target, 1, &stop, &consumed, &mount, &target_length, node);
}

error_t path_make_directory(cap_t base, const char *path) {
    path = relative(path);
    WALKING_DIRECTLY(0, directory_make_directory(base, 0, path_flags, 0755, path, strlen(path)));
}

error_t path_make_file(cap_t base, const char *path) {
    cap_t file;
    error_t error = path_open(base, path, OPEN_FLAG_WRITE | OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE, &file);
    if (error == ERR_OK)
        slot_release(file);
    return error;
}

static size_t join(char *joined, const char *first, const char *second) {
    size_t length = strlen(first) + 1;
    memcpy(joined, first, length);
    memcpy(joined + length, second, strlen(second));
    return length + strlen(second);
}

error_t path_make_symlink(cap_t base, const char *text, const char *path) {
    char paths[8400];
    size_t length = join(paths, text, relative(path));
    WALKING(0, directory_make_symlink(base, strlen(text) + 1, path_flags, paths, length));
}

error_t path_make_link(cap_t base, const char *old, const char *new) {
    char paths[8400];
    old = relative(old);
    size_t length = join(paths, old, relative(new));
    WALKING(PATH_FLAG_NO_FOLLOW, directory_make_link(base, 0, strlen(old) + 1, path_flags, base, paths, length));
}

error_t path_rename(cap_t base, const char *old, const char *new) {
    char paths[8400];
    old = relative(old);
    size_t length = join(paths, old, relative(new));
    WALKING(0, directory_rename(base, 0, strlen(old) + 1, path_flags, base, paths, length));
}

error_t path_unlink(cap_t base, const char *path, uint64_t flags) {
    path = relative(path);
    WALKING_DIRECTLY(flags, directory_unlink(base, 0, path_flags, path, strlen(path)));
}

error_t path_read_link(cap_t base, const char *path, char *text, size_t size) {
    uint64_t count = 0;
    path = relative(path);
    uint64_t path_flags = 0;
    error_t error = directory_read_link(base, 0, path_flags, path, strlen(path), text, size - 1, &count);
    if (error == ERR_PATH_STOPS)
        error = directory_read_link(base, 0, PATH_FLAG_WALK, path, strlen(path), text, size - 1, &count);
    text[error == ERR_OK ? count : 0] = '\0';
    return error;
}

const char *path_of(cap_t directory) {
    static char text[4097];
    uint64_t count;
    if (directory_path(directory, text, sizeof(text) - 1, &count) != ERR_OK)
        return NULL;
    text[count] = '\0';
    return text;
}

const char *path_content(cap_t base, const char *path) {
    static char text[256];
    cap_t file;
    uint64_t count;
    if (path_open(base, path, OPEN_FLAG_READ, &file) != ERR_OK)
        return NULL;
    error_t error = file_read(file, UINT64_MAX, 0, text, sizeof(text) - 1, &count);
    slot_release(file);
    text[error == ERR_OK ? count : 0] = '\0';
    return error == ERR_OK ? text : NULL;
}

error_t path_write(cap_t base, const char *path, const char *text) {
    cap_t file;
    uint64_t count;
    error_t error = path_open(base, path, OPEN_FLAG_WRITE | OPEN_FLAG_CREATE | OPEN_FLAG_TRUNCATE, &file);
    if (error != ERR_OK)
        return error;
    error = file_write(file, UINT64_MAX, 0, text, strlen(text), &count);
    slot_release(file);
    return error;
}
