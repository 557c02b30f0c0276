// pwd: prints the working directory, without symbolic links in it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-P]", "");
    while (program_option("P") != -1)
        continue;
    for (size_t size = 256;; size *= 2) {
        char *path = memory_allocate(size);
        if (getcwd(path, size)) {
            puts(path);
            return program_end(0);
        }
        if (errno != ERANGE)
            program_fail(NULL, "%s", error_text(errno));
        free(path);
    }
}
