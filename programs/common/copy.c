// Copying and removing files and trees. Holes in sparse files stay holes: a block of zeroes is skipped, not
// written.
#include "programs/common/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

#define BLOCK_SIZE 65536

// A file with several names that was copied: its other names become links to the copy.
struct copied_link {
    struct copied_link *next;
    dev_t device;
    ino_t inode;
    char *target;
};

// One copy_path() with everything below it.
struct copy {
    const struct copy_options *options;
    struct copied_link *links;
    int depth;
    bool has_root; // the first directory that was made, which must not be copied into itself
    dev_t root_device;
    ino_t root_inode;
};

static bool path_copy(struct copy *copy, const char *source, const char *target);

static bool fail(const char *path) {
    program_errno(path);
    return false;
}

static bool is_zero(const char *data, size_t length) {
    return length == 0 || (data[0] == 0 && memcmp(data, data + 1, length - 1) == 0);
}

static bool contents_copy(int from, int to, const char *source, const char *target, bool sparse) {
    static char block[BLOCK_SIZE];
    off_t size = 0;
    bool hole_at_end = false;
    for (;;) {
        ssize_t count = read(from, block, sizeof(block));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(source);
        if (count == 0)
            break;
        size += count;
        hole_at_end = sparse && count == BLOCK_SIZE && is_zero(block, BLOCK_SIZE);
        if (hole_at_end ? lseek(to, count, SEEK_CUR) < 0 : !descriptor_write(to, block, (size_t)count))
            return fail(target);
    }
    return !hole_at_end || ftruncate(to, size) == 0 || fail(target);
}

static bool attributes_copy(const char *target, const struct stat *info) {
    struct timespec times[2] = {info->st_atim, info->st_mtim};
    // Owners only as far as the caller may; set-id bits must not end up with another owner.
    mode_t mode = info->st_mode & 07777;
    if (lchown(target, info->st_uid, info->st_gid) != 0)
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
    bool done = S_ISLNK(info->st_mode) || chmod(target, mode) == 0;
    if (utimensat(AT_FDCWD, target, times, AT_SYMLINK_NOFOLLOW) != 0 || !done)
        return fail(target);
    return true;
}

static bool file_copy(const char *source, const char *target, const struct stat *info, const struct copy_options *options) {
    int from = open(source, O_RDONLY);
    if (from < 0)
        return fail(source);
    int to = open(target, O_WRONLY | O_CREAT | O_TRUNC, info->st_mode & 0777);
    if (to < 0 && options->force && errno != ENOENT && unlink(target) == 0)
        to = open(target, O_WRONLY | O_CREAT | O_TRUNC, info->st_mode & 0777);
    if (to < 0) {
        program_errno(target);
        close(from);
        return false;
    }
    // Only what occupies less than its size has holes.
    bool sparse = S_ISREG(info->st_mode) && (uint64_t)info->st_blocks * 512 < (uint64_t)info->st_size;
    bool done = contents_copy(from, to, source, target, sparse);
    close(from);
    if (close(to) != 0 && done)
        done = fail(target);
    return done;
}

static bool link_copy(const char *source, const char *target) {
    char text[4096];
    ssize_t length = readlink(source, text, sizeof(text) - 1);
    if (length < 0)
        return fail(source);
    text[length] = 0;
    if (symlink(text, target) == 0)
        return true;
    if (errno != EEXIST || unlink(target) != 0 || symlink(text, target) != 0)
        return fail(target);
    return true;
}

// Copies what is in a directory into one that exists.
static bool contents_of_directory_copy(struct copy *copy, const char *source, const char *target) {
    struct directory_list list;
    bool done = true;
    if (!directory_read(source, &list))
        return fail(source);
    copy->depth++;
    for (size_t i = 0; i < list.count; i++) {
        char *from = path_join(source, list.names[i]);
        char *to = path_join(target, list.names[i]);
        struct stat child;
        if (stat(from, &child) == 0 && copy->has_root && child.st_dev == copy->root_device && child.st_ino == copy->root_inode) {
            program_error(from, "a directory can't be copied into itself");
            done = false;
        } else {
            done &= path_copy(copy, from, to);
        }
        free(from);
        free(to);
    }
    copy->depth--;
    directory_free(&list);
    return done;
}

static bool directory_copy(struct copy *copy, const char *source, const char *target, const struct stat *info, bool existed) {
    // Writable while it is filled.
    if (!existed && mkdir(target, (info->st_mode & 0777) | 0700) != 0)
        return fail(target);
    struct stat made;
    if (!copy->has_root && stat(target, &made) == 0) {
        copy->has_root = true;
        copy->root_device = made.st_dev;
        copy->root_inode = made.st_ino;
    }
    bool done = contents_of_directory_copy(copy, source, target);
    if (!existed && !copy->options->preserve) {
        mode_t mask = umask(0);
        umask(mask);
        chmod(target, info->st_mode & 0777 & ~mask);
    }
    return done;
}

// Whether the file was copied already under another name, and the new name could be linked to that.
static bool copied_link_make(struct copy *copy, const char *target, const struct stat *info) {
    for (struct copied_link *item = copy->links; item; item = item->next) {
        if (item->device == info->st_dev && item->inode == info->st_ino) {
            unlink(target);
            return link(item->target, target) == 0;
        }
    }
    struct copied_link *item = memory_allocate(sizeof(*item));
    *item = (struct copied_link){copy->links, info->st_dev, info->st_ino, string_copy(target)};
    copy->links = item;
    return false;
}

static bool node_copy(struct copy *copy, const char *source, const char *target, const struct stat *info, bool existed) {
    if (S_ISDIR(info->st_mode))
        return directory_copy(copy, source, target, info, existed);
    if (copy->options->preserve && info->st_nlink > 1 && copied_link_make(copy, target, info))
        return true;
    if (S_ISLNK(info->st_mode))
        return link_copy(source, target);
    if (S_ISFIFO(info->st_mode) && copy->options->recursive)
        return mkfifo(target, info->st_mode & 0777) == 0 || fail(target);
    return file_copy(source, target, info, copy->options);
}

// Whether `source` may be copied over what is at `target`; false after a message.
static bool target_suits(const char *source, const char *target, const struct stat *info, const struct stat *old) {
    if (old->st_dev == info->st_dev && old->st_ino == info->st_ino) {
        program_error(source, "is the same file as %s", target);
        return false;
    }
    if (S_ISDIR(old->st_mode) != S_ISDIR(info->st_mode)) {
        program_error(target, S_ISDIR(old->st_mode) ? "is a directory" : "is not a directory");
        return false;
    }
    return true;
}

static bool path_copy(struct copy *copy, const char *source, const char *target) {
    const struct copy_options *options = copy->options;
    struct stat info, old;
    // Links that are met below, not named, stay links.
    bool as_link = options->links || copy->depth > 0;
    if ((as_link ? lstat(source, &info) : stat(source, &info)) != 0)
        return fail(source);
    if (S_ISDIR(info.st_mode) && !options->recursive) {
        program_error(source, "is a directory (-r copies it)");
        return false;
    }
    bool existed = lstat(target, &old) == 0;
    if (existed && S_ISLNK(old.st_mode) && !S_ISLNK(info.st_mode))
        existed = stat(target, &old) == 0;
    if (existed && !target_suits(source, target, &info, &old))
        return false;
    if (existed && !S_ISDIR(old.st_mode) && options->ask && !answer_is_yes("overwrite %s? ", target))
        return true;
    bool done = node_copy(copy, source, target, &info, existed);
    if (options->preserve && (done || S_ISDIR(info.st_mode)))
        done &= attributes_copy(target, &info);
    if (options->verbose && done)
        printf("%s -> %s\n", source, target);
    return done;
}

bool copy_path(const char *source, const char *target, const struct copy_options *options) {
    struct copy copy = {.options = options};
    bool done = path_copy(&copy, source, target);
    while (copy.links) {
        struct copied_link *item = copy.links;
        copy.links = item->next;
        free(item->target);
        free(item);
    }
    return done;
}

bool remove_tree(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0)
        return fail(path);
    if (!S_ISDIR(info.st_mode))
        return unlink(path) == 0 || fail(path);
    struct directory_list list;
    if (!directory_read(path, &list))
        return fail(path);
    bool done = true;
    for (size_t i = 0; i < list.count; i++) {
        char *child = path_join(path, list.names[i]);
        done &= remove_tree(child);
        free(child);
    }
    directory_free(&list);
    return done && (rmdir(path) == 0 || fail(path));
}
