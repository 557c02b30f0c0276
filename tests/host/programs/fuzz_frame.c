// libFuzzer's harness for capture's lines: nothing outside of the frame is read.
#include <stdlib.h>
#include <string.h>

#include "programs/capture/describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *frame = malloc(size + !size);
    struct buffer line;
    memcpy(frame, data, size);
    buffer_init(&line);
    frame_describe(&line, frame, (uint32_t)size);
    buffer_free(&line);
    free(frame);
    return 0;
}
