// Repeatable pseudo-random numbers: a 64-bit linear congruential generator whose upper half is mixed
// (PCG-XSH-RR, O'Neill 2014). For secrets use getrandom.
#include <stdint.h>
#include <stdlib.h>

static uint64_t state = 1;

static uint32_t step(uint64_t *from) {
    uint64_t old = *from;
    *from = old * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
    unsigned turn = (unsigned)(old >> 59);
    return mixed >> turn | mixed << (-turn & 31);
}

void srand(unsigned seed) {
    state = seed;
    step(&state);
}

int rand(void) {
    return (int)(step(&state) >> 1);
}

int rand_r(unsigned *seed) {
    uint64_t own = *seed;
    step(&own);
    *seed = step(&own);
    return (int)(step(&own) >> 1);
}

void srandom(unsigned seed) {
    srand(seed);
}

long random(void) {
    return rand();
}
