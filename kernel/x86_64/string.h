// The memory functions that the compiler may call by itself (C17 7.24.2, 7.24.6), and strlen. No other string
// function belongs in the kernel.
#pragma once

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t strlen(const char *text);
