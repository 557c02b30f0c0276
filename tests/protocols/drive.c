// Runs a fuzz harness without libFuzzer: a fixed number of seeded inputs, many of them near to what is right,
// so that every test run sends malformed messages to every dispatcher. If none reaches a handler, it fails.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern uint64_t fuzz_reached; // of the harness: requests that came to a handler

enum { INPUTS = 100000, BYTES = 29 + MESSAGE_WORDS * 8 };

static uint64_t random_state = 42;

static uint32_t pick(uint32_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % limit;
}

int main(void) {
    uint8_t data[BYTES];
    for (uint32_t input = 0; input < INPUTS; input++) {
        for (size_t i = 0; i < BYTES; i++)
            data[i] = pick(4) == 0 ? (uint8_t)pick(256) : 0;
        uint32_t words = pick(8) == 0 ? pick(64) : pick(8);
        uint64_t tag = TAG(pick(8) << 8 | pick(24), words);
        tag |= (uint64_t)pick(8) << 28 & 0x30000000;
        tag |= (uint64_t)(pick(2) == 0 ? 0 : pick(6)) << TAG_CAPS_SHIFT;
        memcpy(data, &tag, sizeof(tag));
        if (pick(3) != 0) {
            uint64_t length = pick(5000);
            memcpy(data + 9, &length, 8);
            memcpy(data + 17, &length, 8);
            memset(data + 25, pick(4) != 0, 4);
        }
        size_t size = pick(10) == 0 ? pick(BYTES) : BYTES;
        uint8_t *exact = malloc(size == 0 ? 1 : size); // so that the sanitizer sees its end
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    printf("%llu of %u messages reached a handler\n", (unsigned long long)fuzz_reached, INPUTS);
    return fuzz_reached == 0; // then nothing was tested
}
