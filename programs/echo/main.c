// echo: prints its arguments.
#include <stdio.h>

#include "programs/common/program.h"
#include "programs/common/text_commands.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-neE] [WORD]...",
                  "  -n  no newline at the end\n  -e  interpret backslash escapes\n  -E  do not (the default)\n");
    struct buffer out;
    buffer_init(&out);
    echo_run(argc, argv, &out);
    fwrite(out.data, 1, out.length, stdout);
    return program_end(0);
}
