// yes: prints a line until it is stopped or the reader goes away.
#include <errno.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[WORD]...", "");
    struct buffer line, block;
    buffer_init(&line);
    buffer_init(&block);
    for (int i = 1; i < argc; i++)
        buffer_format(&line, "%s%s", i > 1 ? " " : "", argv[i]);
    buffer_append_text(&line, argc > 1 ? "\n" : "y\n");
    do
        buffer_append(&block, line.data, line.length);
    while (block.length < 4096);
    while (descriptor_write(STDOUT_FILENO, block.data, block.length))
        continue;
    if (errno != EPIPE)
        program_errno("standard output");
    return 1;
}
