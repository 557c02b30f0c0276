// File name patterns (POSIX.1-2017, XCU 2.13): * ? [set] [!set] and the classes in sets; a backslash takes
// the next character as it is. Characters are UTF-8. A slash or a leading dot is nothing special here.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Whether the whole text matches.
bool pattern_match(const char *pattern, const char *text, size_t length);

// Whether the pattern contains anything but characters that stand for themselves.
bool pattern_is_magic(const char *pattern);
