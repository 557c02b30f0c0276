// Lives of the world from seeded random bytes: `drive SEED COUNT [LENGTH]`. Prints what was done; a failure names its seed.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/host/kernel/world.h"

static uint64_t seed;

static void tell_seed(int number) {
    char text[64];
    int length = snprintf(text, sizeof(text), "in the life of seed %llu\n", (unsigned long long)seed);
    (void)!write(2, text, (size_t)length);
    signal(number, SIG_DFL);
    raise(number);
}

int main(int count, char **arguments) {
    static uint8_t bytes[400000];
    uint64_t first = count > 1 ? strtoull(arguments[1], NULL, 10) : 1, lives = count > 2 ? strtoull(arguments[2], NULL, 10) : 20;
    size_t length = count > 3 ? strtoull(arguments[3], NULL, 10) : 60000;
    if (length > sizeof(bytes))
        length = sizeof(bytes);
    signal(SIGABRT, tell_seed);
    for (seed = first; seed < first + lives; seed++) {
        uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        for (size_t i = 0; i < length; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            bytes[i] = (uint8_t)(state >> 32);
        }
        world_run(bytes, length);
    }
    const struct statistics *s = &world_statistics;
    printf("%llu acts; call %llu reply_wait %llu wait %llu send %llu reply %llu forward %llu signal %llu copy %llu serve %llu; "
           "methods %llu refused %llu done; serving %llu shown an answer %llu\n",
           (unsigned long long)s->acts, (unsigned long long)s->calls[1], (unsigned long long)s->calls[2],
           (unsigned long long)s->calls[3], (unsigned long long)s->calls[4], (unsigned long long)s->calls[5],
           (unsigned long long)s->calls[6], (unsigned long long)s->calls[7], (unsigned long long)s->calls[8],
           (unsigned long long)s->calls[9], (unsigned long long)s->answered[0], (unsigned long long)s->answered[1],
           (unsigned long long)s->serving, (unsigned long long)s->shown);
    return 0;
}
