// libFuzzer's way into the world.
#include "tests/host/kernel/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    world_run(bytes, length);
    return 0;
}
