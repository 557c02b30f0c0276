// rmdir: removes empty directories.
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"

// Removes a/b/c, then a/b, then a.
static int path_remove(char *path, bool parents) {
    for (;;) {
        if (rmdir(path) != 0) {
            program_errno(path);
            return 1;
        }
        char *slash = strrchr(path, '/');
        while (slash && slash > path && !slash[1]) { // trailing slashes
            *slash = 0;
            slash = strrchr(path, '/');
        }
        if (!parents || !slash || slash == path)
            return 0;
        *slash = 0;
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-p] DIRECTORY...", "  -p  the parents in the path as well\n");
    bool parents = false;
    while (program_option("p") != -1)
        parents = true;
    if (program_operand_count == 0)
        program_usage_error("no directory given");
    int status = 0;
    for (char **path = program_operands; *path; path++)
        status |= path_remove(*path, parents);
    return status;
}
