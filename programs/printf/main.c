// printf: prints its arguments as a format says.
#include <stdio.h>

#include "programs/common/program.h"
#include "programs/common/text_commands.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "FORMAT [ARGUMENT]...",
                  "Conversions: %d %i %u %o %x %X %c %s %b %%; the format is used again while arguments are left.\n");
    struct buffer out, error;
    buffer_init(&out);
    buffer_init(&error);
    int status = printf_run(argc, argv, &out, &error);
    fwrite(out.data, 1, out.length, stdout);
    if (error.length)
        program_error(NULL, "%s", error.data);
    return program_end(status);
}
