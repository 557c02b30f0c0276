// The one assertion of these tests: says where and what, and ends the program with 1.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                                        \
            exit(1);                                                                                                             \
        }                                                                                                                        \
    } while (0)
