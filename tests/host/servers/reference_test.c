// vfs and tmpfs against the host's own file system: the same random operations on both, the same answers
// expected. The host resolves paths with openat2(RESOLVE_IN_ROOT), which treats '..' and absolute links as a
// process in that root sees them. In vfs the tree is made of three mounts, on the host it is one: only what
// crosses a mount may differ.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/client/slot.h"
#include "tests/host/servers/check.h"
#include "tests/host/servers/world.h"

unsigned long check_seed, check_step;

enum { PATH_SIZE = 200, SKIPPED = 77 };

static char root_path[] = "/tmp/keelson_reference_XXXXXX";
static int root;

static error_t host_error(long result) {
    return result < 0 ? -errno : ERR_OK;
}

static long host_open(const char *path, uint64_t flags) {
    struct open_how how = {.flags = flags, .resolve = RESOLVE_IN_ROOT};
    path += strspn(path, "/");
    return syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
}

// The directory of the path's last name as a descriptor, and that name.
static long host_parent(const char *path, char *name) {
    char parent[PATH_SIZE];
    strcpy(parent, path);
    size_t end = strlen(parent);
    while (end > 0 && parent[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && parent[start - 1] != '/')
        start--;
    strcpy(name, parent + start); // with its slashes
    parent[start] = '\0';
    return host_open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static const char *const atoms[] = {"a", "b", "c", "d", "m", "..", ".", "tmp", "f", "g"};

static void random_path(char *path) {
    int depth = 1 + rand() % 5;
    strcpy(path, rand() % 3 == 0 ? "/" : "");
    for (int i = 0; i < depth; i++) {
        strcat(path, atoms[(unsigned)rand() % (sizeof(atoms) / sizeof(atoms[0]))]);
        if (i + 1 < depth)
            strcat(path, rand() % 10 == 0 ? "//" : "/");
    }
    if (rand() % 12 == 0)
        strcat(path, "/");
}

static bool last_is_dots(const char *path) {
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return end == start || (path[start] == '.' && (end - start == 1 || (end - start == 2 && path[start + 1] == '.')));
}

static void compare_status(const char *path) {
    struct file_status status;
    struct stat expected;
    bool follow = rand() % 2;
    error_t error = path_status(world_root, path, follow ? 0 : PATH_FLAG_NO_FOLLOW, &status);
    long fd = host_open(path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    error_t wanted = host_error(fd);
    if (error != wanted)
        fprintf(stderr, "status %s (%d): %d, host %d\n", path, follow, error, wanted);
    CHECK(error == wanted);
    if (fd < 0)
        return;
    CHECK(fstat((int)fd, &expected) == 0);
    close((int)fd);
    uint8_t kind = S_ISDIR(expected.st_mode)   ? FILE_KIND_DIRECTORY
                   : S_ISLNK(expected.st_mode) ? FILE_KIND_SYMLINK
                                               : FILE_KIND_REGULAR;
    CHECK(status.kind == kind);
    CHECK(kind == FILE_KIND_DIRECTORY || (status.size == (uint64_t)expected.st_size && status.links == expected.st_nlink));
}

static void compare_listing(const char *path) {
    cap_t file;
    if (path_open(world_root, path, OPEN_FLAG_READ | OPEN_FLAG_DIRECTORY, &file) != ERR_OK)
        return;
    unsigned found = 0, expected = 0;
    char buffer[128] __attribute__((aligned(8)));
    uint64_t cursor = 0, count;
    while (file_read_directory(file, cursor, buffer, sizeof(buffer), &cursor, &count) == ERR_OK && count != 0)
        for (uint64_t at = 0; at < count; at += ((struct directory_entry *)(void *)(buffer + at))->length)
            found++;
    slot_release(file);
    long fd = host_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    DIR *directory = fdopendir((int)fd);
    while (readdir(directory) != NULL)
        expected++;
    closedir(directory);
    CHECK(found == expected);
}

// The directory "walked to" must be told by its path: from there, its own path leads to it again.
static void compare_path(const char *path) {
    cap_t node;
    struct file_status here, there;
    if (path_walk(world_root, path, 0, &node) != ERR_OK)
        return;
    CHECK(path_status(node, "", 0, &here) == ERR_OK);
    if (here.kind == FILE_KIND_DIRECTORY) {
        const char *text = path_of(node);
        CHECK(text != NULL && path_status(world_root, text, PATH_FLAG_NO_FOLLOW, &there) == ERR_OK);
        CHECK(here.inode == there.inode && here.device == there.device);
    }
    slot_release(node);
}

static error_t host_two(const char *old, const char *new, bool is_rename) {
    char old_name[PATH_SIZE], new_name[PATH_SIZE];
    long from = host_parent(old, old_name);
    error_t error = host_error(from);
    if (error != ERR_OK)
        return error;
    long to = host_parent(new, new_name);
    error = host_error(to);
    if (error == ERR_OK) {
        error = host_error(is_rename ? renameat((int)from, old_name, (int)to, new_name)
                                     : linkat((int)from, old_name, (int)to, new_name, 0));
        close((int)to);
    }
    close((int)from);
    return error;
}

enum method { MAKE_DIRECTORY, MAKE_FILE, MAKE_LINK, MAKE_SYMLINK, RENAME, UNLINK, REMOVE_DIRECTORY, METHODS };

static error_t ours(enum method method, const char *path, const char *other) {
    switch (method) {
    case MAKE_DIRECTORY:
        return path_make_directory(world_root, path);
    case MAKE_FILE:
        return path_make_file(world_root, path);
    case MAKE_LINK:
        return path_make_link(world_root, path, other);
    case MAKE_SYMLINK:
        return path_make_symlink(world_root, other, path);
    case RENAME:
        return path_rename(world_root, path, other);
    case UNLINK:
        return path_unlink(world_root, path, 0);
    default:
        return path_unlink(world_root, path, UNLINK_FLAG_DIRECTORY);
    }
}

static error_t hosts(enum method method, const char *path, const char *other) {
    char name[PATH_SIZE];
    if (method == MAKE_LINK || method == RENAME)
        return host_two(path, other, method == RENAME);
    long parent = host_parent(path, name), result = -1;
    if (parent < 0)
        return host_error(parent);
    switch (method) {
    case MAKE_DIRECTORY:
        result = mkdirat((int)parent, name, 0755);
        break;
    case MAKE_FILE:
        result = openat((int)parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (result >= 0)
            close((int)result);
        break;
    case MAKE_SYMLINK:
        result = symlinkat(other, (int)parent, name);
        break;
    default:
        result = unlinkat((int)parent, name, method == REMOVE_DIRECTORY ? AT_REMOVEDIR : 0);
        break;
    }
    error_t error = host_error(result);
    close((int)parent);
    return error;
}

// Both fail, or both do not. Which error comes first when several apply is the implementation's; those that
// are looked at alone (status) are compared exactly. Mount points are checked before: the host has none.
static bool is_mount_matter(error_t error) {
    return error == ERR_CROSS_DEVICE || error == ERR_BUSY;
}

static void compare_change(enum method method, const char *path, const char *other) {
    bool has_dots = last_is_dots(path) || ((method == MAKE_LINK || method == RENAME) && last_is_dots(other));
    error_t error = ours(method, path, other);
    if (has_dots) {
        CHECK(error != ERR_OK);
        return;
    }
    if (is_mount_matter(error))
        return;
    error_t wanted = hosts(method, path, other);
    if ((error == ERR_OK) != (wanted == ERR_OK))
        fprintf(stderr, "method %d %s %s: %d, host %d\n", method, path, other, error, wanted);
    CHECK((error == ERR_OK) == (wanted == ERR_OK));
}

static void both_make_directory(const char *path) {
    CHECK(path_make_directory(world_root, path) == ERR_OK);
    CHECK(mkdirat(root, path + 1, 0755) == 0);
}

static void prepare(void) {
    CHECK(world_do_mount("tmpfs", "root", "/", "") == ERR_OK);
    both_make_directory("/tmp");
    both_make_directory("/m");
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK);
    CHECK(world_do_mount("tmpfs", "t", "/m", "") == ERR_OK);
    both_make_directory("/m/d");
    CHECK(world_do_mount("tmpfs", "t", "/m/d", "") == ERR_OK);
}

static void remove_all(int directory) {
    DIR *stream = fdopendir(dup(directory));
    rewinddir(stream);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(directory, entry->d_name, 0) == 0)
            continue;
        int below = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) {
            remove_all(below);
            close(below);
        }
        unlinkat(directory, entry->d_name, AT_REMOVEDIR);
    }
    closedir(stream);
}

static void run(unsigned long steps) {
    char path[PATH_SIZE], other[PATH_SIZE];
    prepare();
    for (check_step = 0; check_step < steps; check_step++) {
        random_path(path);
        random_path(other);
        if (rand() % 2)
            compare_change((enum method)(rand() % METHODS), path, other);
        compare_status(path);
        compare_listing(other);
        compare_path(path);
    }
    CHECK(world_unmount("/") == ERR_OK);
    world_end();
    remove_all(root);
}

int main(int argc, char **argv) {
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 1, last = argc > 2 ? strtoul(argv[2], NULL, 10) : first + 9;
    CHECK(mkdtemp(root_path) != NULL);
    root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long probe = host_open("..", O_PATH | O_CLOEXEC);
    if (probe < 0) {
        rmdir(root_path);
        printf("skipped: this host has no openat2\n");
        return SKIPPED;
    }
    close((int)probe);
    world_begin();
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && world_unmount("/tmp") == ERR_OK);
    world_end();
    for (check_seed = first; check_seed <= last; check_seed++) {
        srand((unsigned)check_seed);
        machine_copy_failures = check_seed % 3 == 0 ? 7 : 0;
        run(4000);
    }
    close(root);
    rmdir(root_path);
    printf("ok\n");
    return 0;
}
