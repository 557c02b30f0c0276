// Random bytes from the kernel's generator.
#pragma once

#include <sys/types.h>

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2

ssize_t getrandom(void *buffer, size_t size, unsigned flags);
