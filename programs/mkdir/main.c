// mkdir: makes directories, with -p their missing parents as well.
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

// Makes every missing directory on the way; an existing directory is no error.
static bool path_make(char *path) {
    for (char *end = path + 1;; end++) {
        if (*end != '/' && *end)
            continue;
        char saved = *end;
        *end = 0;
        struct stat info;
        bool made = mkdir(path, 0777) == 0;
        int error = errno;
        bool there = made || (stat(path, &info) == 0 && S_ISDIR(info.st_mode));
        if (!there) {
            errno = error;
            program_errno(path);
        }
        *end = saved;
        if (!there || !saved)
            return there;
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-p] [-m MODE] DIRECTORY...",
                  "  -p       make missing parents; an existing directory is no error\n"
                  "  -m MODE  set the permissions, such as 700\n");
    bool parents = false;
    const char *mode_argument = NULL;
    mode_t mode = 0777;
    for (int option; (option = program_option("pm:")) != -1;) {
        if (option == 'p')
            parents = true;
        else
            mode_argument = program_argument;
    }
    if (mode_argument && !mode_parse(mode_argument, 0777, &mode))
        program_usage_error("-m: not a mode: %s", mode_argument);
    if (program_operand_count == 0)
        program_usage_error("no directory given");
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        bool made = true;
        if (parents && **path) {
            made = path_make(*path);
        } else if (mkdir(*path, mode) != 0) {
            program_errno(*path);
            made = false;
        }
        if (made && mode_argument && chmod(*path, mode) != 0) {
            program_errno(*path);
            made = false;
        }
        if (!made)
            status = 1;
    }
    return status;
}
