// Comparing without case, and finding bits (POSIX <strings.h>).
#pragma once

#include <stddef.h>

int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t maximum);
int ffs(int value);
int ffsl(long value);
int ffsll(long long value);
void bzero(void *memory, size_t size);
void bcopy(const void *source, void *destination, size_t size);
int bcmp(const void *a, const void *b, size_t size);
char *index(const char *string, int c);
char *rindex(const char *string, int c);
