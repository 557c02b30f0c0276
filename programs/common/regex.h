// Regular expressions (POSIX.1-2017, XBD 9; basic and extended) over UTF-8, with the longest leftmost match
// and in time proportional to text and pattern: no pattern is slow. There are no back-references. Also \< \>
// \b for words.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct regex;

#define REGEX_EXTENDED    1u
#define REGEX_FIXED       2u // no character is special
#define REGEX_IGNORE_CASE 4u // ASCII letters
#define REGEX_WHOLE_LINE  8u

// Makes an expression that matches what any of the patterns matches. Null after setting *error to a sentence.
struct regex *regex_compile(const char *const *patterns, size_t count, unsigned flags, const char **error);
void regex_free(struct regex *regex);

// Whether there is a match anywhere in the line, which contains no newline.
bool regex_matches(const struct regex *regex, const char *text, size_t length);

// The first match that starts at `from` or later, its longest form.
bool regex_search(const struct regex *regex, const char *text, size_t length, size_t from, size_t *start, size_t *end);
