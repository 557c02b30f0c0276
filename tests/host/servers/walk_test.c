// Paths over several file servers: what mounts, links, '..' and ceilings must do, and hostile paths.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/vfs.h"
#include "tests/host/servers/check.h"
#include "tests/host/servers/world.h"

unsigned long check_seed, check_step;

static bool content_is(cap_t base, const char *path, const char *text) {
    const char *content = path_content(base, path);
    return content != NULL && strcmp(content, text) == 0;
}

static void test_initrd(void) {
    struct file_status status;
    char text[64];
    CHECK(content_is(world_root, "/etc/motd", "hello\n"));
    CHECK(content_is(world_root, "//etc/./../etc//motd", "hello\n"));
    CHECK(content_is(world_root, "link", "hello\n"));
    CHECK(content_is(world_root, "absolute/motd", "hello\n"));
    CHECK(content_is(world_root, "../../etc/motd", "hello\n"));
    CHECK(path_content(world_root, "etc/motd/") == NULL);
    CHECK(path_status(world_root, "etc/motd/x", 0, &status) == ERR_NOT_DIRECTORY);
    CHECK(path_status(world_root, "nothing", 0, &status) == ERR_NOT_FOUND);
    CHECK(path_status(world_root, "link", PATH_FLAG_NO_FOLLOW, &status) == ERR_OK && status.kind == FILE_KIND_SYMLINK);
    CHECK(path_status(world_root, "link", 0, &status) == ERR_OK && status.size == 6);
    CHECK(path_read_link(world_root, "up", text, sizeof(text)) == ERR_OK && strcmp(text, "../tmp") == 0);
    CHECK(path_write(world_root, "etc/new", "x") == ERR_READ_ONLY);
    CHECK(path_make_directory(world_root, "new") == ERR_READ_ONLY);
}

static void test_mounts(void) {
    cap_t inside, below;
    struct file_status status;
    CHECK(vfs_mount(world_root, 0, "tmpfs\0t\0/tmp", 12) == ERR_NOT_PERMITTED);
    CHECK(world_do_mount("nothing", "t", "/tmp", "") == ERR_NO_DEVICE);
    CHECK(world_do_mount("tmpfs", "t", "/missing", "") == ERR_NOT_FOUND);
    CHECK(world_do_mount("tmpfs", "t", "/etc/motd", "") == ERR_NOT_DIRECTORY);
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "size=what") == ERR_INVALID);
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "size=1m") == ERR_OK);
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_BUSY);
    CHECK(path_write(world_root, "/tmp/a", "text") == ERR_OK);
    CHECK(content_is(world_root, "up/a", "text"));
    CHECK(content_is(world_root, "tmp/../tmp/./a", "text"));
    CHECK(path_make_directory(world_root, "/tmp/d") == ERR_OK);
    CHECK(path_make_directory(world_root, "/tmp") == ERR_EXISTS);
    CHECK(path_unlink(world_root, "/tmp", UNLINK_FLAG_DIRECTORY) == ERR_READ_ONLY);
    CHECK(world_do_mount("tmpfs", "u", "/tmp/d", "") == ERR_OK);
    CHECK(path_unlink(world_root, "/tmp/d", UNLINK_FLAG_DIRECTORY) == ERR_BUSY);
    CHECK(path_rename(world_root, "/tmp/d", "/tmp/e") == ERR_BUSY);
    CHECK(path_write(world_root, "/tmp/d/b", "deep") == ERR_OK);
    CHECK(path_rename(world_root, "/tmp/a", "/tmp/d/a") == ERR_CROSS_DEVICE);
    CHECK(path_make_link(world_root, "/tmp/a", "/tmp/d/a") == ERR_CROSS_DEVICE);
    CHECK(path_make_symlink(world_root, "../a", "/tmp/d/s") == ERR_OK);
    CHECK(content_is(world_root, "/tmp/d/s", "text"));
    CHECK(path_make_symlink(world_root, "/tmp/d/b", "/tmp/t") == ERR_OK);
    CHECK(content_is(world_root, "up/t", "deep"));
    CHECK(path_rename(world_root, "/tmp/d/../a", "/tmp/d/../c") == ERR_OK);
    CHECK(content_is(world_root, "/tmp/c", "text"));
    // Directories as starting points.
    CHECK(path_walk(world_root, "/tmp/d", 0, &inside) == ERR_OK);
    CHECK(strcmp(path_of(inside), "/tmp/d") == 0);
    CHECK(content_is(inside, "b", "deep") && content_is(inside, "../c", "text"));
    CHECK(content_is(inside, "../../etc/motd", "hello\n"));
    CHECK(path_walk(inside, "..", 0, &below) == ERR_OK && strcmp(path_of(below), "/tmp") == 0);
    CHECK(content_is(below, "d/b", "deep"));
    CHECK(world_unmount("/tmp/d") == ERR_BUSY);
    slot_release(inside);
    CHECK(world_unmount("/tmp") == ERR_BUSY);
    CHECK(world_unmount("/tmp/d") == ERR_OK);
    CHECK(path_status(below, "d/b", 0, &status) == ERR_NOT_FOUND);
    CHECK(path_rename(world_root, "/tmp/d", "/tmp/e") == ERR_OK);
    slot_release(below);
    CHECK(world_unmount("/etc") == ERR_INVALID);
    CHECK(world_unmount("/") == ERR_BUSY);
    CHECK(world_unmount("tmp/") == ERR_OK);
}

// A directory whose name begins a mount's name, but is not above it.
static void test_name_prefix(void) {
    cap_t beside;
    struct file_status status;
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK);
    CHECK(path_make_directory(world_root, "/tmp/d") == ERR_OK && path_make_directory(world_root, "/tmp/dx") == ERR_OK);
    CHECK(path_make_directory(world_root, "/tmp/dx/m") == ERR_OK);
    CHECK(world_do_mount("tmpfs", "u", "/tmp/dx/m", "") == ERR_OK);
    CHECK(path_walk(world_root, "/tmp/d", 0, &beside) == ERR_OK);
    CHECK(path_status(beside, "m", 0, &status) == ERR_NOT_FOUND);
    CHECK(path_status(beside, "m", PATH_FLAG_WALK, &status) == ERR_NOT_FOUND);
    CHECK(path_status(beside, "../dx/m", 0, &status) == ERR_OK && status.inode == 1);
    CHECK(path_rename(world_root, "/tmp/dx", "/tmp/dy") == ERR_BUSY);
    slot_release(beside);
    CHECK(world_unmount("/tmp/dx/m") == ERR_OK && world_unmount("/tmp") == ERR_OK);
}

static void test_new_root(void) {
    struct file_status status;
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK);
    CHECK(path_write(world_root, "/tmp/old", "x") == ERR_OK);
    CHECK(world_do_mount("tmpfs", "new", "/", "") == ERR_OK);
    CHECK(path_status(world_root, "/tmp", 0, &status) == ERR_NOT_FOUND); // hidden with all that was on it
    CHECK(path_make_directory(world_root, "/tmp") == ERR_OK);
    CHECK(world_do_mount("tmpfs", "t2", "/tmp", "") == ERR_OK);
    CHECK(path_status(world_root, "/tmp/old", 0, &status) == ERR_NOT_FOUND);
    CHECK(path_write(world_root, "/tmp/../tmp/new", "y") == ERR_OK);
    CHECK(world_unmount("/") == ERR_OK); // and what is on it
    CHECK(content_is(world_root, "/tmp/old", "x"));
    CHECK(world_unmount("/tmp") == ERR_OK);
}

static void test_ceiling(void) {
    cap_t jail, deep, file, again;
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK);
    CHECK(path_make_directory(world_root, "/tmp/jail") == ERR_OK && path_make_directory(world_root, "/tmp/jail/m") == ERR_OK);
    CHECK(path_write(world_root, "/tmp/secret", "s") == ERR_OK && path_write(world_root, "/tmp/jail/secret", "own") == ERR_OK);
    CHECK(world_do_mount("tmpfs", "u", "/tmp/jail/m", "") == ERR_OK);
    CHECK(path_write(world_root, "/tmp/jail/m/in", "in") == ERR_OK);
    CHECK(path_make_symlink(world_root, "/secret", "/tmp/jail/m/s") == ERR_OK);
    CHECK(path_make_symlink(world_root, "../../../../tmp/secret", "/tmp/jail/u") == ERR_OK);
    CHECK(path_walk(world_root, "/tmp/jail", PATH_FLAG_CEILING, &jail) == ERR_OK);
    CHECK(strcmp(path_of(jail), "/") == 0);
    CHECK(content_is(jail, "../secret", "own") && content_is(jail, "../../tmp/../secret", "own") == false);
    CHECK(content_is(jail, "/m/../../secret", "own") && content_is(jail, "m/s", "own"));
    CHECK(path_content(jail, "u") == NULL);
    CHECK(content_is(jail, "m/in", "in"));
    CHECK(path_walk(jail, "m", 0, &deep) == ERR_OK && strcmp(path_of(deep), "/m") == 0);
    CHECK(content_is(deep, "../secret", "own") && content_is(deep, "../../../secret", "own"));
    CHECK(content_is(deep, "s", "own"));
    CHECK(path_content(jail, "../etc/motd") == NULL && path_content(deep, "../../etc/motd") == NULL);
    CHECK(path_open(jail, "m", OPEN_FLAG_READ, &file) == ERR_OK);
    CHECK(directory_adopt(jail, file, &again) == ERR_OK && strcmp(path_of(again), "/m") == 0);
    CHECK(content_is(again, "../../secret", "own"));
    slot_release(again);
    slot_release(file);
    slot_release(deep);
    slot_release(jail);
    CHECK(world_unmount("/tmp/jail/m") == ERR_OK && world_unmount("/tmp") == ERR_OK);
}

static void test_loops(void) {
    char name[16], long_name[600], deep[9000];
    struct file_status status;
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK);
    CHECK(path_make_symlink(world_root, "b", "/tmp/a") == ERR_OK && path_make_symlink(world_root, "a", "/tmp/b") == ERR_OK);
    CHECK(path_status(world_root, "/tmp/a", 0, &status) == ERR_TOO_MANY_SYMLINKS);
    CHECK(path_status(world_root, "/tmp/a/x", 0, &status) == ERR_TOO_MANY_SYMLINKS);
    CHECK(path_write(world_root, "/tmp/a", "x") == ERR_TOO_MANY_SYMLINKS);
    CHECK(path_write(world_root, "/tmp/0", "end") == ERR_OK);
    for (int i = 1; i <= 41; i++) { // chain of links, and one too many
        char target[16];
        snprintf(target, sizeof(target), "/tmp/%d", i - 1);
        snprintf(name, sizeof(name), "/tmp/%d", i);
        CHECK(path_make_symlink(world_root, target, name) == ERR_OK);
    }
    CHECK(content_is(world_root, "/tmp/40", "end") && path_content(world_root, "/tmp/41") == NULL);
    CHECK(path_make_symlink(world_root, "made", "/tmp/dangling") == ERR_OK);
    CHECK(path_make_file(world_root, "/tmp/dangling") == ERR_EXISTS);
    CHECK(path_write(world_root, "/tmp/dangling", "by link") == ERR_OK && content_is(world_root, "/tmp/made", "by link"));
    memset(long_name, 'x', sizeof(long_name));
    long_name[256] = '\0';
    CHECK(path_status(world_root, long_name, 0, &status) == ERR_NAME_TOO_LONG);
    long_name[255] = '\0';
    CHECK(path_status(world_root, long_name, 0, &status) == ERR_NOT_FOUND);
    memset(deep, 'y', sizeof(deep));
    for (size_t i = 1; i < sizeof(deep); i += 2)
        deep[i] = '/';
    CHECK(directory_status(world_root, 0, 0, deep, 4097, &status) == ERR_BAD_MESSAGE ||
          directory_status(world_root, 0, 0, deep, 4097, &status) == ERR_NAME_TOO_LONG);
    CHECK(directory_status(world_root, 0, PATH_FLAG_WALK, "a\0b", 3, &status) == ERR_INVALID);
    CHECK(directory_status(world_root, 0, 0, "a\0b", 3, &status) == ERR_INVALID);
    CHECK(directory_status(world_root, 5, 0, "abc", 3, &status) == ERR_INVALID);
    CHECK(directory_status(world_root, 5, PATH_FLAG_WALK, "abc", 3, &status) == ERR_INVALID);
    CHECK(world_unmount("/tmp") == ERR_OK);
}

// Any bytes, any flags, any starts: no crash, no leak, and never PATH_STOPS with WALK.
static void test_hostile(unsigned rounds) {
    static const char *const pieces[] = {"tmp", "..",  ".",    "/", "//", "up",       "link",    "d",
                                         "l",   "dev", "null", "a", "",   "absolute", "\xff\x01"};
    struct file_status status;
    cap_t cap;
    uint64_t kind;
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && world_do_mount("devfs", "devfs", "/dev", "") == ERR_OK);
    CHECK(path_make_directory(world_root, "/tmp/d") == ERR_OK && path_make_symlink(world_root, "../..", "/tmp/l") == ERR_OK);
    for (check_step = 0; check_step < rounds; check_step++) {
        char path[256] = "";
        for (int i = rand() % 12; i > 0; i--) {
            strcat(path, pieces[(unsigned)rand() % (sizeof(pieces) / sizeof(pieces[0]))]);
            strcat(path, rand() % 4 ? "/" : "");
        }
        size_t length = strlen(path);
        if (length != 0 && rand() % 20 == 0)
            path[(size_t)rand() % length] = (char)rand();
        uint64_t start = rand() % 8 ? 0 : (uint64_t)rand() % 16, flags = PATH_FLAG_WALK | ((uint64_t)rand() & 1);
        error_t error = directory_status(world_root, start, flags, path, length, &status);
        CHECK(error != ERR_PATH_STOPS);
        error = directory_open(world_root, start, flags | ((uint64_t)rand() & 0x1ff00), 0, path, length, &kind, &cap);
        CHECK(error != ERR_PATH_STOPS);
        if (error == ERR_OK)
            slot_release(cap);
        error = directory_make_symlink(world_root, start, (uint64_t)rand() & 3, path, length);
        error = directory_rename(world_root, start, (uint64_t)rand() % 32, (uint64_t)rand() & 3, world_root, path, length);
        error = directory_unlink(world_root, start, (uint64_t)rand() & 0x103, path, length);
        (void)error;
        if (path_walk(world_root, path, (uint64_t)rand() & 15, &cap) == ERR_OK)
            slot_release(cap);
    }
    CHECK(world_unmount("/dev") == ERR_OK && world_unmount("/tmp") == ERR_OK);
}

// Sessions of file servers themselves: each thing that makes them untrue comes after so many questions that they are in use.
static void test_direct(void) {
    struct file_status status;
    cap_t node, again, file;
    uint64_t used, stop, consumed, mount, length;
    unsigned long before = world_directs;
    char text[8];
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && path_make_directory(world_root, "/tmp/d") == ERR_OK);
    CHECK(path_write(world_root, "/tmp/d/a", "one") == ERR_OK);
    for (int i = 0; i < 40; i++)
        CHECK(content_is(world_root, "/tmp/d/a", "one") && content_is(world_root, "/etc/motd", "hello\n"));
    CHECK(world_directs > before + 40);
    CHECK(content_is(world_root, "/tmp/../etc/motd", "hello\n") && content_is(world_root, "/tmp//d/./a", "one"));
    CHECK(path_status(world_root, "/tmp", 0, &status) == ERR_OK && status.inode == 1);
    CHECK(path_unlink(world_root, "/tmp", UNLINK_FLAG_DIRECTORY) == ERR_READ_ONLY);
    // Mounted below, and unmounted.
    CHECK(world_do_mount("tmpfs", "u", "/tmp/d", "") == ERR_OK);
    for (int i = 0; i < 20; i++)
        CHECK(path_content(world_root, "/tmp/d/a") == NULL);
    CHECK(path_write(world_root, "/tmp/d/a", "two") == ERR_OK && content_is(world_root, "/tmp/d/a", "two"));
    CHECK(world_unmount("/tmp/d") == ERR_OK && content_is(world_root, "/tmp/d/a", "one"));
    // A new root, and the old one back.
    CHECK(world_do_mount("tmpfs", "new", "/", "") == ERR_OK);
    CHECK(path_content(world_root, "/tmp/d/a") == NULL && path_content(world_root, "/etc/motd") == NULL);
    CHECK(path_write(world_root, "/new", "x") == ERR_OK);
    for (int i = 0; i < 20; i++)
        CHECK(content_is(world_root, "/new", "x"));
    CHECK(world_unmount("/") == ERR_OK);
    CHECK(path_content(world_root, "/new") == NULL && content_is(world_root, "/tmp/d/a", "one"));
    // What is vfs's alone.
    CHECK(directory_direct(world_root, 0, "tmp/d/a", 7, &used, &node) == ERR_OK && used == 3);
    CHECK(directory_cover(node, 1) == ERR_NOT_PERMITTED);
    CHECK(directory_direct(node, 0, "", 0, &used, &again) == ERR_NOT_PERMITTED);
    CHECK(directory_walk(node, 0, 0, "d", 1, text, sizeof(text), &stop, &consumed, &mount, &length, &again) == ERR_NOT_PERMITTED);
    CHECK(path_open(node, "d/a", OPEN_FLAG_READ, &file) == ERR_OK && world_unmount("/tmp") == ERR_BUSY);
    slot_release(file);
    CHECK(world_unmount("/tmp") == ERR_OK);
    CHECK(directory_status(node, 0, 0, "d", 1, &status) == ERR_STALE && path_content(world_root, "/tmp/d/a") == NULL);
    slot_release(node);
}

static void unmount_too_early(void) {
    CHECK(world_unmount("/tmp") == ERR_BUSY);
}

// A session that is closed keeps its tree until all that it holds is given up.
static void test_leaving(void) {
    cap_t file;
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && path_write(world_root, "/tmp/a", "one") == ERR_OK);
    CHECK(path_open(world_root, "/tmp/a", OPEN_FLAG_READ, &file) == ERR_OK);
    world_before_release(unmount_too_early);
    slot_release(file);
    CHECK(world_unmount("/tmp") == ERR_OK);
}

int main(int argc, char **argv) {
    check_seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    srand((unsigned)check_seed);
    world_begin();
    void (*const tests[])(void) = {test_initrd,  test_mounts, test_name_prefix, test_new_root,
                                   test_ceiling, test_loops,  test_direct,      test_leaving};
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && world_unmount("/tmp") == ERR_OK);
    world_end();
    for (unsigned failures = 0; failures < 4; failures++) { // missing pages change nothing
        machine_copy_failures = failures == 0 ? 0 : failures + 1;
        for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
            tests[i]();
            world_end();
        }
    }
    machine_copy_failures = 0;
    test_hostile(20000);
    world_end();
    printf("ok\n");
    return 0;
}
