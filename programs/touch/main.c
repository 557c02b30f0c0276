// touch: makes files that do not exist and sets the times of those that do.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/program.h"

static int touch(const char *path, bool create, const struct timespec *times) {
    if (utimensat(AT_FDCWD, path, times, 0) == 0)
        return 0;
    if (errno != ENOENT) {
        program_errno(path);
        return 1;
    }
    if (!create)
        return 0;
    int descriptor = open(path, O_WRONLY | O_CREAT, 0666);
    if (descriptor < 0) {
        program_errno(path);
        return 1;
    }
    close(descriptor);
    if (times && utimensat(AT_FDCWD, path, times, 0) != 0) {
        program_errno(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-c] [-d @SECONDS] [-r FILE] FILE...",
                  "  -c           do not make files\n"
                  "  -d @SECONDS  a time since 1970 instead of now\n"
                  "  -r FILE      the times of FILE instead of now\n");
    bool create = true;
    struct timespec times[2];
    const struct timespec *used = NULL;
    for (int option; (option = program_option("cd:r:")) != -1;) {
        struct stat info;
        if (option == 'c') {
            create = false;
        } else if (option == 'd') {
            if (program_argument[0] != '@')
                program_usage_error("-d: not @SECONDS: %s", program_argument);
            times[0] = times[1] = (struct timespec){.tv_sec = (time_t)number_parse(program_argument + 1, "-d")};
            used = times;
        } else {
            if (stat(program_argument, &info) != 0)
                program_fail(program_argument, "%s", error_text(errno));
            times[0] = info.st_atim;
            times[1] = info.st_mtim;
            used = times;
        }
    }
    if (program_operand_count == 0)
        program_usage_error("no file given");
    int status = 0;
    for (char **path = program_operands; *path; path++)
        status |= touch(*path, create, used);
    return status;
}
