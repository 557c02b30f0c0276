// Our functions behind plain arguments (adapter.c). Included by the library's side and by the tests' side,
// where the names carry the prefix.
#pragma once

#include <stddef.h>

#ifdef ADAPTER_PREFIXED
#define adapter_regex  keelson_adapter_regex
#define adapter_glob   keelson_adapter_glob
#define adapter_spawn  keelson_adapter_spawn
#define adapter_status keelson_adapter_status
#endif

// 100 and more: regcomp's error. offsets: two for each of count.
int adapter_regex(const char *pattern, int compile_flags, const char *text, int run_flags, size_t count, long *offsets,
                  size_t *groups);
// The paths, each followed by a blank.
int adapter_glob(const char *pattern, int flags, char *joined, size_t size);
// Runs a program with its standard output to a file. Its exit status; 1000 and its signal; or a negative
// error.
int adapter_spawn(char *const argv[], char *const envp[], const char *output, int search);
int adapter_status(const char *path, unsigned *mode, long *size);
