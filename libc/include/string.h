// Bytes and strings (C17 7.24, POSIX <string.h>), with the few GNU and BSD functions that programs expect.
#pragma once

#include <stddef.h>
#include <strings.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *mempcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int byte, size_t size);
void *memccpy(void *restrict destination, const void *restrict source, int stop, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *memory, int byte, size_t size);
void *memrchr(const void *memory, int byte, size_t size);
void *memmem(const void *memory, size_t size, const void *needle, size_t needle_size);
void explicit_bzero(void *memory, size_t size);

size_t strlen(const char *string);
size_t strnlen(const char *string, size_t maximum);
char *strcpy(char *restrict destination, const char *restrict source);
char *stpcpy(char *restrict destination, const char *restrict source);
char *strncpy(char *restrict destination, const char *restrict source, size_t size);
char *stpncpy(char *restrict destination, const char *restrict source, size_t size);
char *strcat(char *restrict destination, const char *restrict source);
char *strncat(char *restrict destination, const char *restrict source, size_t maximum);
size_t strlcpy(char *restrict destination, const char *restrict source, size_t size);
size_t strlcat(char *restrict destination, const char *restrict source, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t maximum);
int strcoll(const char *a, const char *b);
size_t strxfrm(char *restrict destination, const char *restrict source, size_t size);
int strverscmp(const char *a, const char *b);
char *strchr(const char *string, int c);
char *strrchr(const char *string, int c);
char *strchrnul(const char *string, int c);
size_t strspn(const char *string, const char *accept);
size_t strcspn(const char *string, const char *reject);
char *strpbrk(const char *string, const char *accept);
char *strstr(const char *string, const char *needle);
char *strcasestr(const char *string, const char *needle);
char *strtok(char *restrict string, const char *restrict delimiters);
char *strtok_r(char *restrict string, const char *restrict delimiters, char **restrict state);
char *strsep(char **string, const char *delimiters);
char *strdup(const char *string) __attribute__((malloc));
char *strndup(const char *string, size_t maximum) __attribute__((malloc));

char *strerror(int error);
int strerror_r(int error, char *buffer, size_t size);
char *strsignal(int signal);
