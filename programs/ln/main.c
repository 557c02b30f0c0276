// ln: makes hard links, or with -s symbolic ones.
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

static bool symbolic = false;
static bool force = false;

static int link_make(const char *target, const char *name) {
    struct stat new_info, old_info;
    if (force && lstat(name, &new_info) == 0) {
        if (!symbolic && stat(target, &old_info) == 0 && old_info.st_dev == new_info.st_dev &&
            old_info.st_ino == new_info.st_ino) {
            program_error(name, "is the same file as %s", target);
            return 1;
        }
        if (!S_ISDIR(new_info.st_mode) && unlink(name) != 0) {
            program_errno(name);
            return 1;
        }
    }
    if ((symbolic ? symlink(target, name) : link(target, name)) == 0)
        return 0;
    int error = errno;
    // ENOENT of a hard link is most often the target.
    bool blame_target = !symbolic && (error == ENOENT || error == EPERM) && lstat(target, &old_info) != 0;
    program_error(blame_target ? target : name, "%s", error_text(error));
    return 1;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-s] [-f] [-n] TARGET... [NAME|DIRECTORY]",
                  "  -s  symbolic links\n"
                  "  -f  replace what has the name\n"
                  "  -n  treat a link to a directory as a plain name\n");
    bool follow = true;
    for (int option; (option = program_option("sfn")) != -1;) {
        symbolic |= option == 's';
        force |= option == 'f';
        follow &= option != 'n';
    }
    int count = program_operand_count;
    if (count == 0)
        program_usage_error("no target given");
    const char *last = count == 1 ? "." : program_operands[count - 1];
    struct stat info;
    bool into = (follow ? stat(last, &info) : lstat(last, &info)) == 0 && S_ISDIR(info.st_mode);
    if (!into && count > 2)
        program_usage_error("not a directory: %s", last);
    if (!into)
        return link_make(program_operands[0], last);
    int status = 0;
    for (int i = 0; i < (count == 1 ? 1 : count - 1); i++) {
        char *base = path_base(program_operands[i]);
        char *name = path_join(last, base);
        status |= link_make(program_operands[i], name);
        free(name);
        free(base);
    }
    return status;
}
