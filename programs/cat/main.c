// cat: copies files, or standard input, to standard output without looking at the bytes.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

// 0, or 1 after a message. A failing output ends everything: no later file could be written either.
static int copy_out(const char *path, int descriptor) {
    static char block[65536];
    for (;;) {
        ssize_t count = read(descriptor, block, sizeof(block));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            program_errno(path);
            return 1;
        }
        if (count == 0)
            return 0;
        if (!descriptor_write(STDOUT_FILENO, block, (size_t)count))
            program_fail("standard output", "%s", error_text(errno));
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-u] [FILE]...", "  -u  does nothing: output is never held back\n");
    while (program_option("u") != -1)
        continue;
    if (program_operand_count == 0)
        return copy_out("standard input", STDIN_FILENO);
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        int descriptor = operand_open(*path);
        if (descriptor < 0) {
            status = 1;
            continue;
        }
        status |= copy_out(*path, descriptor);
        if (descriptor != STDIN_FILENO)
            close(descriptor);
    }
    return status;
}
