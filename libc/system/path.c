// Paths: where they start, and one function per thing that is done to the file at their end. A path that leads out of one file
// system is sent a second time, for vfs to walk it step by step (libipc/protocols/README.md).
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/system.h"
#include "libc/system/direct.h"
#include "libc/system/layer.h"
#include "libc/system/status.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/terminal.h"
#include "libipc/protocols/vfs.h"

enum { PATH_BYTES = 4096 };

// Makes one call to vfs, and a second one with WALK if the first led out of a file system.
#define WALKING(error, flags, call)                                                                                              \
    do {                                                                                                                         \
        uint64_t path_flags = (flags);                                                                                           \
        error = (call);                                                                                                          \
        if (error == ERR_PATH_STOPS) {                                                                                           \
            path_flags |= PATH_FLAG_WALK;                                                                                        \
            error = (call);                                                                                                      \
        }                                                                                                                        \
    } while (0)

// The same for calls of one path from `base`, whose `path` is that of the call: the file server itself is asked first where it is
// known.
#define WALKING_DIRECTLY(error, flags, call)                                                                                     \
    do {                                                                                                                         \
        cap_t path_base = base;                                                                                                  \
        const char *path_whole = path;                                                                                           \
        const struct direct *path_direct = adopted ? NULL : direct_find(base, path, &path);                                      \
        bool path_is_answered = false;                                                                                           \
        if (path_direct) {                                                                                                       \
            uint64_t path_flags = (flags);                                                                                       \
            base = direct_node(path_direct);                                                                                     \
            error = (call);                                                                                                      \
            path_is_answered = direct_answered(path_direct, error);                                                              \
            base = path_base;                                                                                                    \
            path = path_whole;                                                                                                   \
        }                                                                                                                        \
        if (!path_is_answered && !adopted)                                                                                       \
            direct_missed(base, path);                                                                                           \
        if (!path_is_answered)                                                                                                   \
            WALKING(error, flags, call);                                                                                         \
    } while (0)

error_t layer_path_base(int directory, const char **path, cap_t *base, cap_t *adopted) {
    *adopted = 0;
    if (strlen(*path) >= PATH_BYTES)
        return ERR_NAME_TOO_LONG;
    if (**path == '/') {
        while (**path == '/')
            (*path)++;
        *base = layer_root;
        return ERR_OK;
    }
    if (directory == AT_FDCWD) {
        *base = layer_directory;
        return ERR_OK;
    }
    struct descriptor *descriptor;
    error_t error = descriptor_get(directory, &descriptor);
    if (!error)
        error = directory_adopt(layer_root, descriptor->file, adopted);
    *base = *adopted;
    return error;
}

// POSIX: an empty path names nothing.
static error_t named_base(int directory, const char **path, cap_t *base, cap_t *adopted) {
    return **path ? layer_path_base(directory, path, base, adopted) : ERR_NOT_FOUND;
}

static uint64_t follow_flags(int flags) {
    return flags & AT_SYMLINK_NOFOLLOW ? PATH_FLAG_NO_FOLLOW : 0;
}

uint64_t layer_open_flags(int flags) {
    static const struct {
        int posix;
        uint64_t own;
    } pairs[] = {{O_APPEND, OPEN_FLAG_APPEND},      {O_NONBLOCK, OPEN_FLAG_NON_BLOCKING},
                 {O_CREAT, OPEN_FLAG_CREATE},       {O_EXCL, OPEN_FLAG_EXCLUSIVE},
                 {O_TRUNC, OPEN_FLAG_TRUNCATE},     {O_DIRECTORY, OPEN_FLAG_DIRECTORY},
                 {O_NOFOLLOW, PATH_FLAG_NO_FOLLOW}, {O_PATH, OPEN_FLAG_NODE}};
    uint64_t result = 0;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (flags & pairs[i].posix)
            result |= pairs[i].own;
    if ((flags & O_ACCMODE) != O_WRONLY && !(flags & O_PATH))
        result |= OPEN_FLAG_READ;
    if ((flags & O_ACCMODE) != O_RDONLY)
        result |= OPEN_FLAG_WRITE;
    return result;
}

// /dev/tty is another file for each session: `file`, some terminal, is exchanged for the caller's.
static error_t open_own_terminal(cap_t *file) {
    cap_t own;
    error_t error = terminal_own(*file, layer_task, &own);
    slot_release(*file);
    *file = own;
    return error ? ERR_NO_DEVICE_ADDRESS : ERR_OK;
}

error_t system_open(int directory, const char *path, int flags, mode_t mode, int *fd) {
    cap_t base, adopted, file;
    uint64_t kind;
    bool own_terminal = strcmp(path, "/dev/tty") == 0;
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    WALKING_DIRECTLY(error, layer_open_flags(flags), directory_open(base, 0, path_flags, mode, path, strlen(path), &kind, &file));
    slot_release(adopted);
    if (!error && own_terminal)
        error = open_own_terminal(&file);
    if (error)
        return error;
    uint32_t own = (uint32_t)(flags & O_ACCMODE) << DESCRIPTOR_ACCESS_SHIFT;
    return descriptor_add(file, own | (flags & O_CLOEXEC ? DESCRIPTOR_CLOSE_ON_SPAWN : 0), 0, fd);
}

// The status of the file at the path, or with AT_EMPTY_PATH of the descriptor itself.
static error_t get_status(int directory, const char *path, int flags, struct file_status *status) {
    struct descriptor *descriptor;
    cap_t base, adopted;
    error_t error;
    if (!*path && (flags & AT_EMPTY_PATH) && directory != AT_FDCWD) {
        error = descriptor_get(directory, &descriptor);
        return error ? error : file_status(descriptor->file, status);
    }
    error = *path || (flags & AT_EMPTY_PATH) ? layer_path_base(directory, &path, &base, &adopted) : ERR_NOT_FOUND;
    if (error)
        return error;
    WALKING_DIRECTLY(error, follow_flags(flags), directory_status(base, 0, path_flags, path, strlen(path), status));
    slot_release(adopted);
    return error;
}

error_t layer_status(const char *path, struct file_status *status) {
    return get_status(AT_FDCWD, path, 0, status);
}

error_t system_status(int directory, const char *path, int flags, struct stat *status) {
    struct file_status found;
    error_t error = get_status(directory, path, flags, &found);
    if (!error)
        status_to_stat(&found, status);
    return error;
}

error_t system_access(int directory, const char *path, int mode, int flags) {
    struct file_status found;
    error_t error = get_status(directory, path, flags, &found);
    if (!error && (mode & X_OK) && !(found.mode & 0111)) // the one user may read and write everything
        error = ERR_ACCESS;
    return error;
}

error_t system_file_system_status(int directory, const char *path, int flags, struct statvfs *status) {
    struct filesystem_status found;
    struct descriptor *descriptor;
    cap_t base = 0, adopted = 0;
    error_t error;
    if (!*path && (flags & AT_EMPTY_PATH) && directory != AT_FDCWD) {
        error = descriptor_get(directory, &descriptor);
        if (!error)
            error = directory_adopt(layer_root, descriptor->file, &adopted);
        base = adopted;
    } else {
        error = layer_path_base(directory, &path, &base, &adopted);
    }
    if (!error)
        WALKING_DIRECTLY(error, follow_flags(flags),
                         directory_filesystem_status(base, 0, path_flags, path, strlen(path), &found));
    slot_release(adopted);
    if (!error)
        status_to_statvfs(&found, status);
    return error;
}

// Opens the node for changing its status.
static error_t set_status(int directory, const char *path, int flags, uint64_t fields, const struct file_status *status) {
    struct descriptor *descriptor;
    cap_t base, adopted, file;
    uint64_t kind;
    if (!*path && (flags & AT_EMPTY_PATH)) {
        error_t error = descriptor_get(directory, &descriptor);
        return error ? error : file_set_status(descriptor->file, fields, status);
    }
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    WALKING_DIRECTLY(error, follow_flags(flags) | OPEN_FLAG_NODE,
                     directory_open(base, 0, path_flags, 0, path, strlen(path), &kind, &file));
    slot_release(adopted);
    if (error)
        return error;
    error = file_set_status(file, fields, status);
    slot_release(file);
    return error;
}

error_t system_change_mode(int directory, const char *path, mode_t mode, int flags) {
    struct file_status status = {.mode = (uint16_t)(mode & 07777)};
    return set_status(directory, path, flags, STATUS_FIELD_MODE, &status);
}

error_t system_change_owner(int directory, const char *path, uid_t uid, gid_t gid, int flags) {
    struct file_status status = {.user = uid, .group = gid};
    uint64_t fields = (uid != (uid_t)-1 ? STATUS_FIELD_USER : 0) | (gid != (gid_t)-1 ? STATUS_FIELD_GROUP : 0);
    return fields ? set_status(directory, path, flags, fields, &status) : ERR_OK;
}

error_t system_set_times(int directory, const char *path, const struct timespec times[2], int flags) {
    static const uint64_t given[] = {STATUS_FIELD_ACCESSED, STATUS_FIELD_MODIFIED};
    static const uint64_t now[] = {STATUS_FIELD_ACCESSED_NOW, STATUS_FIELD_MODIFIED_NOW};
    struct file_status status = {0};
    uint64_t fields = 0;
    for (int i = 0; i < 2; i++) {
        if (!times || times[i].tv_nsec == UTIME_NOW) {
            fields |= now[i];
        } else if (times[i].tv_nsec != UTIME_OMIT) {
            fields |= given[i];
            *(i ? &status.modified : &status.accessed) = times[i].tv_sec * 1000000000 + times[i].tv_nsec;
        }
    }
    return fields ? set_status(directory, path, flags, fields, &status) : ERR_OK;
}

error_t system_make_directory(int directory, const char *path, mode_t mode) {
    cap_t base, adopted;
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    WALKING_DIRECTLY(error, 0, directory_make_directory(base, 0, path_flags, mode, path, strlen(path)));
    slot_release(adopted);
    return error;
}

error_t system_make_node(int directory, const char *path, mode_t mode, dev_t device) {
    cap_t base, adopted;
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    WALKING_DIRECTLY(
        error, 0, directory_make_node(base, 0, path_flags, mode & 07777, status_kind_of_mode(mode), device, path, strlen(path)));
    slot_release(adopted);
    return error;
}

error_t system_unlink(int directory, const char *path, int flags) {
    cap_t base, adopted;
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    WALKING_DIRECTLY(error, flags & AT_REMOVEDIR ? UNLINK_FLAG_DIRECTORY : 0,
                     directory_unlink(base, 0, path_flags, path, strlen(path)));
    slot_release(adopted);
    return error;
}

// `first`, a NUL, `second`, in one buffer, as two-path methods take them.
static error_t join_paths(const char *first, const char *second, char **joined, size_t *length) {
    size_t first_length = strlen(first), second_length = strlen(second);
    *length = first_length + 1 + second_length;
    *joined = malloc(*length + 1);
    if (!*joined)
        return ERR_NO_MEMORY;
    memcpy(*joined, first, first_length + 1);
    memcpy(*joined + first_length + 1, second, second_length + 1);
    return ERR_OK;
}

error_t system_rename(int from_directory, const char *from, int to_directory, const char *to) {
    cap_t from_base, from_adopted = 0, to_base, to_adopted = 0;
    char *paths = NULL;
    size_t length;
    error_t error = named_base(from_directory, &from, &from_base, &from_adopted);
    if (!error)
        error = named_base(to_directory, &to, &to_base, &to_adopted);
    if (!error)
        error = join_paths(from, to, &paths, &length);
    if (!error)
        WALKING(error, 0, directory_rename(from_base, 0, strlen(from) + 1, path_flags, to_base, paths, length));
    free(paths);
    slot_release(from_adopted);
    slot_release(to_adopted);
    return error;
}

error_t system_link(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    cap_t from_base, from_adopted = 0, to_base, to_adopted = 0;
    char *paths = NULL;
    size_t length;
    error_t error = named_base(from_directory, &from, &from_base, &from_adopted);
    if (!error)
        error = named_base(to_directory, &to, &to_base, &to_adopted);
    if (!error)
        error = join_paths(from, to, &paths, &length);
    if (!error)
        WALKING(error, flags & AT_SYMLINK_FOLLOW ? 0 : PATH_FLAG_NO_FOLLOW,
                directory_make_link(from_base, 0, strlen(from) + 1, path_flags, to_base, paths, length));
    free(paths);
    slot_release(from_adopted);
    slot_release(to_adopted);
    return error;
}

error_t system_symlink(const char *target, int directory, const char *path) {
    cap_t base, adopted;
    char *paths;
    size_t length;
    if (!*target)
        return ERR_NOT_FOUND;
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    error = join_paths(target, path, &paths, &length);
    if (!error)
        WALKING(error, 0, directory_make_symlink(base, strlen(target) + 1, path_flags, paths, length));
    if (!error || paths)
        free(paths);
    slot_release(adopted);
    return error;
}

error_t system_read_link(int directory, const char *path, char *buffer, size_t size, size_t *done) {
    cap_t base, adopted;
    uint64_t count;
    error_t error = named_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    if (size > PATH_BYTES)
        size = PATH_BYTES;
    WALKING_DIRECTLY(error, PATH_FLAG_NO_FOLLOW,
                     directory_read_link(base, 0, path_flags, path, strlen(path), buffer, size, &count));
    slot_release(adopted);
    if (!error)
        *done = count < size ? count : size;
    return error;
}

error_t system_change_directory(int directory, const char *path) {
    cap_t base, adopted, node = 0;
    uint64_t stop, consumed, mount, target_length;
    struct file_status status;
    error_t error = layer_path_base(directory, &path, &base, &adopted);
    if (error)
        return error;
    char target[1];
    WALKING(error, 0, directory_status(base, 0, path_flags, path, strlen(path), &status));
    if (!error && status.kind != FILE_KIND_DIRECTORY)
        error = ERR_NOT_DIRECTORY;
    if (!error)
        WALKING(error, 0,
                directory_walk(base, 0, path_flags, path, strlen(path), target, sizeof(target), &stop, &consumed, &mount,
                               &target_length, &node));
    slot_release(adopted);
    if (error)
        return error;
    direct_forget(layer_directory);
    slot_release(layer_directory);
    layer_directory = node;
    return ERR_OK;
}

error_t system_working_directory(char *buffer, size_t size) {
    char text[PATH_BYTES];
    uint64_t count;
    error_t error = directory_path(layer_directory, text, sizeof(text) - 1, &count);
    if (error)
        return error;
    if (count + 1 > size)
        return ERR_RANGE;
    memcpy(buffer, text, count);
    buffer[count] = 0;
    return ERR_OK;
}
