// Moves the data of a program that is linked with it. For other builds of the same program.
#include <stdint.h>

extern volatile uint64_t other_build_padding[];
__attribute__((used, retain)) volatile uint64_t other_build_padding[1237] = {1};
