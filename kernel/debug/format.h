// Formatting text in the kernel: the part of printf (C17 7.21.6.1) that a kernel needs.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Knows %d %u %x %s %p %%, the lengths l ll z, a width, and the flag 0 for numbers.
// Writes at most size bytes, always NUL-terminated unless size is 0. Returns the bytes written without the
// NUL (not what a larger buffer would have taken). An unknown directive is copied as it stands.
size_t format_text(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t format_text_va(char *out, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
