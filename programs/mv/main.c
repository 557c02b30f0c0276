// mv: renames files and trees; across file systems it copies and removes.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "programs/common/copy.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

static bool ask = false, keep = false, verbose = false;

static bool move(const char *source, const char *target) {
    struct stat from, to;
    if (lstat(source, &from) != 0) {
        program_errno(source);
        return false;
    }
    bool existed = lstat(target, &to) == 0;
    if (existed && keep)
        return true;
    if (existed && from.st_dev == to.st_dev && from.st_ino == to.st_ino) {
        program_error(source, "is the same file as %s", target);
        return false;
    }
    if (existed && ask && !answer_is_yes("overwrite %s? ", target))
        return true;
    bool done = rename(source, target) == 0;
    if (!done && errno == EXDEV) {
        struct copy_options options = {.recursive = true, .preserve = true, .links = true};
        if (existed && !S_ISDIR(to.st_mode))
            done = remove_tree(target);
        done = copy_path(source, target, &options) && remove_tree(source);
    } else if (!done) {
        int error = errno;
        program_error(source, "can't become %s: %s", target, error_text(error));
    }
    if (done && verbose)
        printf("%s -> %s\n", source, target);
    return done;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-ifnv] SOURCE... TARGET",
                  "  -i  ask before overwriting   -n  never overwrite\n"
                  "  -f  never ask                -v  name what is moved\n");
    for (int option; (option = program_option("ifnv")) != -1;) {
        verbose |= option == 'v';
        if (option != 'v') { // the last of them counts
            ask = option == 'i';
            keep = option == 'n';
        }
    }
    int count = program_operand_count;
    if (count < 2)
        program_usage_error("source and target needed");
    const char *target = program_operands[count - 1];
    struct stat info;
    bool into = stat(target, &info) == 0 && S_ISDIR(info.st_mode);
    if (!into && count > 2)
        program_fail(target, "is not a directory");
    bool done = true;
    for (int i = 0; i < count - 1; i++) {
        char *base = path_base(program_operands[i]);
        char *path = into ? path_join(target, base) : string_copy(target);
        done &= move(program_operands[i], path);
        free(path);
        free(base);
    }
    return program_end(!done);
}
