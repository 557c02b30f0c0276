// See entropy.h. Invariant: the key is replaced before a byte that was made with it leaves entropy_fill.
#include "kernel/debug/panic.h"
#include "kernel/memory/heap.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/string.h"

enum { RESEED_STIRS = 64, HARDWARE_TRIES = 16, BLOCK_BYTES = 64, KEY_BYTES = 32 };

static uint32_t *key; // of 8, outside of the kernel's image: programs may be able to see that
static uint64_t pool[4];
static uint32_t pool_stirs; // since the last reseed
static bool timing_ignored;

static uint32_t rotate32(uint32_t value, int count) {
    return value << count | value >> (32 - count);
}

static void quarter_round(uint32_t state[16], int a, int b, int c, int d) {
    state[a] += state[b];
    state[d] = rotate32(state[d] ^ state[a], 16);
    state[c] += state[d];
    state[b] = rotate32(state[b] ^ state[c], 12);
    state[a] += state[b];
    state[d] = rotate32(state[d] ^ state[a], 8);
    state[c] += state[d];
    state[b] = rotate32(state[b] ^ state[c], 7);
}

void chacha20_block(const uint32_t block_key[8], uint32_t counter, const uint32_t nonce[3], uint8_t output[64]) {
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, state[16];
    memcpy(&start[4], block_key, KEY_BYTES);
    start[12] = counter;
    memcpy(&start[13], nonce, 12);
    memcpy(state, start, sizeof state);
    for (int round = 0; round < 10; round++) {
        quarter_round(state, 0, 4, 8, 12);
        quarter_round(state, 1, 5, 9, 13);
        quarter_round(state, 2, 6, 10, 14);
        quarter_round(state, 3, 7, 11, 15);
        quarter_round(state, 0, 5, 10, 15);
        quarter_round(state, 1, 6, 11, 12);
        quarter_round(state, 2, 7, 8, 13);
        quarter_round(state, 3, 4, 9, 14);
    }
    for (int index = 0; index < 16; index++) {
        uint32_t word = state[index] + start[index];
        memcpy(output + 4 * index, &word, 4); // little-endian, as the CPU is
    }
}

// Overwrites what the compiler may not drop as dead.
static void erase(void *memory, size_t length) {
    memset(memory, 0, length);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

// The word as good as the CPU can make it: RDSEED, else RDRAND, else timing alone.
static uint64_t hardware_word(void) {
    uint64_t value;
    for (int attempt = 0; attempt < HARDWARE_TRIES; attempt++)
        if (cpu_features.rdseed && rdseed_try(&value))
            return value ^ tsc_read();
    for (int attempt = 0; attempt < HARDWARE_TRIES; attempt++)
        if (cpu_features.rdrand && rdrand_try(&value))
            return value ^ tsc_read();
    return tsc_read();
}

// Absorbs the pool: one pass of the cipher makes the next key from the old one and what was gathered.
static void reseed(void) {
    static const uint32_t nonce[3] = {1, 0, 0}; // apart from the blocks that are given out
    uint8_t block[BLOCK_BYTES];
    for (int index = 0; index < 4; index++) {
        uint64_t word = pool[index] ^ (timing_ignored ? 0 : hardware_word());
        key[2 * index] ^= (uint32_t)word;
        key[2 * index + 1] ^= (uint32_t)(word >> 32);
    }
    chacha20_block(key, 0, nonce, block);
    memcpy(key, block, KEY_BYTES);
    erase(block, sizeof block);
    pool_stirs = 0;
}

void entropy_initialize(const struct boot_info *info) {
    timing_ignored = info->repeatable;
    void *memory;
    if (heap_allocate(NULL, KEY_BYTES, &memory))
        panic("no memory for the key of random numbers");
    key = memory;
    memcpy(pool, info->random_seed, sizeof pool);
    reseed();
}

void entropy_stir(uint64_t value) {
    if (timing_ignored)
        return;
    uint64_t *word = &pool[pool_stirs++ % 4];
    *word = ((*word << 19 | *word >> 45) ^ value) * 0x9e3779b97f4a7c15; // odd: loses nothing
}

void entropy_fill(void *destination, size_t length) {
    static const uint32_t nonce[3] = {0, 0, 0};
    uint8_t block[BLOCK_BYTES];
    uint8_t *output = destination;
    uint32_t old_key[8], counter = 0;
    if (pool_stirs >= RESEED_STIRS)
        reseed();
    memcpy(old_key, key, KEY_BYTES);
    chacha20_block(old_key, counter++, nonce, block);
    memcpy(key, block, KEY_BYTES);
    for (size_t offset = KEY_BYTES; length > 0; offset = 0) {
        if (offset == 0)
            chacha20_block(old_key, counter++, nonce, block);
        size_t part = BLOCK_BYTES - offset < length ? BLOCK_BYTES - offset : length;
        memcpy(output, block + offset, part);
        output += part;
        length -= part;
    }
    erase(block, sizeof block);
    erase(old_key, sizeof old_key);
}
