// Writes standard input as a capture: each frame is two bytes of length, low byte first, then that many
// bytes. With -d it prints a line for each instead. For test_capture.py.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/capture/describe.h"
#include "programs/capture/pcapng.h"

int main(int argc, char **argv) {
    int describes = argc > 1 && strcmp(argv[1], "-d") == 0;
    struct buffer file;
    buffer_init(&file);
    if (!describes)
        pcapng_begin(&file, "test", "eth0", 0);
    for (unsigned number = 0;; number++) {
        unsigned char size[2];
        if (fread(size, 1, 2, stdin) != 2)
            break;
        uint32_t length = size[0] | (uint32_t)size[1] << 8;
        unsigned char *frame = malloc(length + !length); // of its own: the sanitizer sees what is read behind it
        if (fread(frame, 1, length, stdin) != length)
            return 1;
        if (describes) {
            frame_describe(&file, frame, length);
            buffer_append_byte(&file, '\n');
        } else {
            pcapng_frame(&file, 1700000000123456789 + (uint64_t)number * 1000, frame, length, length, (int)(number % 2));
        }
        free(frame);
    }
    int status = descriptor_write(STDOUT_FILENO, file.data, file.length) ? 0 : 1;
    buffer_free(&file);
    return status;
}
