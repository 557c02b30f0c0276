// General utilities (C17 7.22, POSIX <stdlib.h>). The functions that take or give a double are not in
// libc_general.
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX     0x7fffffff
#define MB_CUR_MAX   ((size_t)4)

typedef struct {
    int quot, rem;
} div_t;
typedef struct {
    long quot, rem;
} ldiv_t;
typedef struct {
    long long quot, rem;
} lldiv_t;

void *malloc(size_t size) __attribute__((malloc, warn_unused_result));
void *calloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
void *realloc(void *block, size_t size) __attribute__((warn_unused_result));
void *reallocarray(void *block, size_t count, size_t size) __attribute__((warn_unused_result));
void *aligned_alloc(size_t alignment, size_t size) __attribute__((malloc, warn_unused_result));
int posix_memalign(void **result, size_t alignment, size_t size);
size_t malloc_usable_size(void *block);
void free(void *block);

_Noreturn void abort(void);
_Noreturn void exit(int status);
_Noreturn void _Exit(int status);
_Noreturn void quick_exit(int status);
int atexit(void (*function)(void));
int at_quick_exit(void (*function)(void));

char *getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int putenv(char *assignment);
int clearenv(void);

int system(const char *command);

int atoi(const char *string);
long atol(const char *string);
long long atoll(const char *string);
long strtol(const char *restrict string, char **restrict end, int base);
long long strtoll(const char *restrict string, char **restrict end, int base);
unsigned long strtoul(const char *restrict string, char **restrict end, int base);
unsigned long long strtoull(const char *restrict string, char **restrict end, int base);
double atof(const char *string);
float strtof(const char *restrict string, char **restrict end);
double strtod(const char *restrict string, char **restrict end);
long double strtold(const char *restrict string, char **restrict end);

int rand(void);
void srand(unsigned seed);
int rand_r(unsigned *seed);
long random(void);
void srandom(unsigned seed);

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void qsort_r(void *base, size_t count, size_t size, int (*compare)(const void *, const void *, void *), void *argument);
void *bsearch(const void *key, const void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

int abs(int value);
long labs(long value);
long long llabs(long long value);
div_t div(int numerator, int denominator);
ldiv_t ldiv(long numerator, long denominator);
lldiv_t lldiv(long long numerator, long long denominator);

int mblen(const char *string, size_t size);
int mbtowc(wchar_t *restrict result, const char *restrict string, size_t size);
int wctomb(char *string, wchar_t c);
size_t mbstowcs(wchar_t *restrict result, const char *restrict string, size_t count);
size_t wcstombs(char *restrict result, const wchar_t *restrict string, size_t size);

int mkstemp(char *template);
int mkostemp(char *template, int flags);
char *mkdtemp(char *template);
char *realpath(const char *restrict path, char *restrict result);
int getsubopt(char **options, char *const *keys, char **value);
