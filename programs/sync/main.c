// sync: brings everything written so far to the disks, or only the named files.
#include <fcntl.h>
#include <unistd.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[FILE]...", "");
    program_option("");
    if (program_operand_count == 0) {
        sync();
        return 0;
    }
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        int descriptor = open(*path, O_RDONLY);
        if (descriptor < 0 || fsync(descriptor) != 0) {
            program_errno(*path);
            status = 1;
        }
        if (descriptor >= 0)
            close(descriptor);
    }
    return status;
}
