// The random generator: RFC 8439's vectors, what "deterministic" promises, key erasure and reseeding.
#include <string.h>

#include "kernel/debug/panic.h"
#include "kernel/memory/heap.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/registers.h"
#include "tests/host/kernel_hardware/check.h"

struct cpu_features cpu_features = {.rdrand = true, .rdseed = true};
static uint64_t time, hardware_calls;

uint64_t tsc_read(void) {
    return time += 1000;
}

bool rdrand_try(uint64_t *value) {
    hardware_calls++;
    *value = 4; // the worst generator: the seed and the pool must carry it
    return true;
}

bool rdseed_try(uint64_t *value) {
    (void)value;
    hardware_calls++;
    return false;
}

error_t heap_allocate(struct account *account, size_t bytes, void **memory) {
    (void)account;
    static char key[64];
    memset(key, 0, bytes);
    *memory = key;
    return ERR_OK;
}

_Noreturn void panic(const char *invariant, ...) {
    (void)invariant;
    __builtin_trap();
}

static void vectors_test(void) {
    static const uint8_t block_2_3_2[] = {// RFC 8439, 2.3.2
                                          0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
                                          0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
                                          0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
                                          0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
                                          0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    static const uint8_t block_a_1_1[] = {// appendix A.1, test vector 1
                                          0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53,
                                          0x86, 0xbd, 0x28, 0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d, 0xed, 0x1a, 0xa8, 0x36,
                                          0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7, 0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48,
                                          0x8d, 0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37, 0x6a, 0x43, 0xb8, 0xf4,
                                          0x15, 0x18, 0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86};
    uint8_t bytes[32], block[64];
    uint32_t key[8] = {0};
    for (uint8_t index = 0; index < 32; index++)
        bytes[index] = index;
    chacha20_block(key, 0, (uint32_t[3]){0, 0, 0}, block);
    CHECK(memcmp(block, block_a_1_1, 64) == 0);
    memcpy(key, bytes, 32);
    chacha20_block(key, 1, (uint32_t[3]){0x09000000, 0x4a000000, 0}, block);
    CHECK(memcmp(block, block_2_3_2, 64) == 0);
}

static void deterministic_test(void) {
    struct boot_info info = {.random_seed = {1, 2, 3, 4}, .repeatable = 1};
    uint8_t first[1000], second[1000];
    hardware_calls = 0;
    entropy_initialize(&info);
    entropy_fill(first, sizeof first);
    entropy_initialize(&info);
    for (int stir = 0; stir < 1000; stir++)
        entropy_stir(tsc_read());
    entropy_fill(second, sizeof second);
    CHECK(memcmp(first, second, sizeof first) == 0 && hardware_calls == 0);
    info.random_seed[3] ^= 1;
    entropy_initialize(&info);
    entropy_fill(second, sizeof second);
    CHECK(memcmp(first, second, 32) != 0);
}

static void timing_test(void) {
    struct boot_info info = {.random_seed = {1, 2, 3, 4}};
    uint8_t first[64], second[64];
    uint64_t start = time;
    entropy_initialize(&info);
    CHECK(hardware_calls > 0);
    entropy_fill(first, sizeof first);
    time = start + 1; // one tick later is another machine
    entropy_initialize(&info);
    entropy_fill(second, sizeof second);
    CHECK(memcmp(first, second, 32) != 0);
    for (int reseeds = 0; reseeds < 2; reseeds++) { // enough stirs reseed, fewer do not
        uint64_t calls = hardware_calls;
        for (int stir = 0; stir < 63 + reseeds; stir++)
            entropy_stir((uint64_t)stir);
        entropy_fill(first, 1);
        CHECK((hardware_calls > calls) == (reseeds == 1));
        entropy_initialize(&info);
    }
}

// Every length, byte-exact at its end; no block comes twice; bits are even.
static void fill_test(void) {
    static uint8_t stream[1 << 16];
    struct boot_info info = {.random_seed = {5}, .repeatable = 1};
    unsigned ones = 0;
    entropy_initialize(&info);
    for (size_t length = 0; length < 300; length++) {
        uint8_t buffer[302];
        memset(buffer, 0xaa, sizeof buffer);
        entropy_fill(buffer + 1, length);
        CHECK(buffer[0] == 0xaa && buffer[length + 1] == 0xaa);
    }
    for (size_t offset = 0; offset < sizeof stream; offset += 64)
        entropy_fill(stream + offset, 64);
    for (size_t left = 0; left < sizeof stream; left += 32)
        for (size_t right = left + 32; right < sizeof stream; right += 32)
            CHECK(memcmp(stream + left, stream + right, 32) != 0);
    for (size_t offset = 0; offset < sizeof stream; offset++)
        ones += (unsigned)__builtin_popcount(stream[offset]);
    CHECK(ones > 4 * sizeof stream - 3000 && ones < 4 * sizeof stream + 3000); // 8 standard deviations
}

int main(void) {
    vectors_test();
    deterministic_test();
    timing_test();
    fill_test();
    return 0;
}
