// A check that also holds in builds without assertions, and says where and, by SEEDED tests, with which seed
// it failed.
#pragma once

#include <stdio.h>
#include <stdlib.h>

extern unsigned long check_seed, check_step;

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: not so: %s (seed %lu, step %lu)\n", __FILE__, __LINE__, #condition, check_seed, check_step); \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)
