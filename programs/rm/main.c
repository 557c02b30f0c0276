// rm: removes files, with -r whole trees (the links in them, never what these point to).
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

static bool recursive = false, force = false, ask = false, verbose = false, empty_directories = false;

static int path_remove(const char *path);

static int directory_remove(const char *path) {
    if (!recursive && !empty_directories) {
        program_error(path, "is a directory");
        return 1;
    }
    int status = 0;
    struct directory_list list = {0};
    if (recursive) {
        if (!directory_read(path, &list)) {
            program_errno(path);
            return 1;
        }
        if (ask && list.count && !answer_is_yes("go into directory %s? ", path)) {
            directory_free(&list);
            return 0;
        }
    }
    for (size_t i = 0; i < list.count; i++) {
        char *child = path_join(path, list.names[i]);
        status |= path_remove(child);
        free(child);
    }
    directory_free(&list);
    if (ask && !answer_is_yes("remove directory %s? ", path))
        return status;
    if (rmdir(path) != 0) {
        // What could not be removed below was reported already.
        if (!status || errno != ENOTEMPTY)
            program_errno(path);
        return 1;
    }
    if (verbose)
        dprintf(STDOUT_FILENO, "removed directory %s\n", path);
    return status;
}

static int path_remove(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        if (force && (errno == ENOENT || errno == ENOTDIR))
            return 0;
        program_errno(path);
        return 1;
    }
    if (S_ISDIR(info.st_mode))
        return directory_remove(path);
    if (ask && !answer_is_yes("remove %s? ", path))
        return 0;
    if (unlink(path) != 0) {
        program_errno(path);
        return 1;
    }
    if (verbose)
        dprintf(STDOUT_FILENO, "removed %s\n", path);
    return 0;
}

static bool is_dot(const char *path) {
    char *base = path_base(path);
    bool dot = strcmp(base, ".") == 0 || strcmp(base, "..") == 0;
    free(base);
    return dot;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-rfidv] FILE...",
                  "  -r  directories and everything below them (also -R)\n"
                  "  -d  empty directories\n"
                  "  -f  never ask; what is not there is no error\n"
                  "  -i  ask before each removal\n"
                  "  -v  name what is removed\n");
    for (int option; (option = program_option("rRfidv")) != -1;) {
        recursive |= option == 'r' || option == 'R';
        empty_directories |= option == 'd';
        verbose |= option == 'v';
        if (option == 'f' || option == 'i') { // the later one counts
            force = option == 'f';
            ask = option == 'i';
        }
    }
    if (program_operand_count == 0 && !force)
        program_usage_error("no file given");
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        if (is_dot(*path) || strspn(*path, "/") == strlen(*path)) {
            program_error(*path, "refused: is %s", **path == '/' ? "the root directory" : "a directory that is in use");
            status = 1;
            continue;
        }
        status |= path_remove(*path);
    }
    return status;
}
