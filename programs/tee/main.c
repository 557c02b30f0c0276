// tee: copies standard input to standard output and to every named file.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-a] [FILE]...", "  -a  append to the files\n");
    int flags = O_WRONLY | O_CREAT | O_TRUNC;
    while (program_option("a") != -1)
        flags = O_WRONLY | O_CREAT | O_APPEND;
    int count = program_operand_count;
    int *outputs = memory_allocate((size_t)(count + 1) * sizeof(int));
    int status = 0;
    outputs[count] = STDOUT_FILENO;
    for (int i = 0; i < count; i++) {
        outputs[i] = open(program_operands[i], flags, 0666);
        if (outputs[i] < 0) {
            program_errno(program_operands[i]);
            status = 1;
        }
    }
    static char block[65536];
    for (;;) {
        ssize_t length = read(STDIN_FILENO, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0) {
            program_errno("standard input");
            return 1;
        }
        if (length == 0)
            return status;
        for (int i = 0; i <= count; i++) {
            if (outputs[i] >= 0 && !descriptor_write(outputs[i], block, (size_t)length)) {
                program_errno(i < count ? program_operands[i] : "standard output");
                outputs[i] = -1;
                status = 1;
            }
        }
    }
}
