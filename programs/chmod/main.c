// chmod: changes permissions, given in octal or as u+x, go-w, a=r and so on.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

static bool recursive = false;

static int change(const char *path, const char *mode_argument, bool named) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        program_errno(path);
        return 1;
    }
    if (S_ISLNK(info.st_mode)) {
        // A link has no permissions of its own: one that was named means its target, one that was met means
        // nothing.
        if (!named)
            return 0;
        if (stat(path, &info) != 0) {
            program_errno(path);
            return 1;
        }
    }
    mode_t mode;
    mode_parse(mode_argument, info.st_mode, &mode);
    int status = 0;
    if (chmod(path, mode) != 0) {
        program_errno(path);
        status = 1;
    }
    if (!recursive || !S_ISDIR(info.st_mode))
        return status;
    struct directory_list list;
    if (!directory_read(path, &list)) {
        program_errno(path);
        return 1;
    }
    for (size_t i = 0; i < list.count; i++) {
        char *child = path_join(path, list.names[i]);
        status |= change(child, mode_argument, false);
        free(child);
    }
    directory_free(&list);
    return status;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-R] MODE FILE...", "  -R  everything below a directory as well\n");
    // A mode such as -w looks like an option: it is the mode if its letters are those of a mode.
    char *mode_argument = NULL;
    if (argc > 2 && argv[1][0] == '-' && argv[1][1] && strspn(argv[1] + 1, "rwxX") == strlen(argv[1] + 1)) {
        mode_argument = argv[1];
        argv[1] = argv[0];
        program_start(argc - 1, argv + 1, "[-R] MODE FILE...", "");
    }
    while (program_option("R") != -1)
        recursive = true;
    char **path = program_operands;
    if (!mode_argument && *path)
        mode_argument = *path++;
    mode_t ignored;
    if (!mode_argument || !*path)
        program_usage_error("mode and file needed");
    if (!mode_parse(mode_argument, 0, &ignored))
        program_usage_error("not a mode: %s", mode_argument);
    int status = 0;
    for (; *path; path++)
        status |= change(*path, mode_argument, true);
    return status;
}
