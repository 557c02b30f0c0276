// Expansion of words (POSIX.1-2017, XCU 2.6): tilde, parameters, command substitution, arithmetic, then field
// splitting, file names and quote removal. Results live in the shell's temporary region. Functions return
// false, or null, after a message when an expansion fails; the command must then not be run.
#pragma once

#include "programs/common/buffer.h"
#include "programs/sh/shell.h"

struct fields {
    char **items; // ends with null once fields_end() was called
    int count;
    int capacity;
};

void fields_add(struct shell *shell, struct fields *fields, char *text);
char **fields_end(struct shell *shell, struct fields *fields);

// Appends what the words expand to.
bool expand_words(struct shell *shell, const struct word *words, struct fields *fields);

enum expand_mode {
    EXPAND_VALUE,   // one string: a redirection's target, the word of `case`
    EXPAND_ASSIGN,  // the same, with tildes after colons
    EXPAND_PATTERN, // what was quoted is escaped by backslashes, for pattern_match()
    EXPAND_HERE,    // the text of a here-document
    EXPAND_PROMPT,  // as within double quotes
};
char *expand_text(struct shell *shell, const char *text, enum expand_mode mode);

// Whether expanding the word may change the shell's variables: such words are not expanded on behalf of a
// subshell.
bool word_has_side_effects(const char *text);

// What expansion builds: each byte has marks, which field splitting and file name expansion look at.
#define MARK_QUOTED 1u // neither split nor a pattern
#define MARK_SPLIT  2u // the result of an unquoted expansion: may be split
#define MARK_BREAK  4u // no byte, but the border between two arguments of $@
#define MARK_EMPTY  8u // no byte, but makes a field even if nothing else does

struct expansion {
    struct shell *shell;
    struct buffer text;
    struct buffer marks;
    enum expand_mode mode;
    bool splits;               // fields are wanted
    bool in_parameter;         // within ${x:-word}: unquoted literal text is a result too, and \} a brace
    bool arguments_were_empty; // "$@" without arguments makes no field
};

void expansion_emit(struct expansion *expansion, const char *text, size_t length, unsigned marks);
bool expand_range(struct expansion *expansion, const char *text, size_t length, bool quoted);

// From the "$" on; advances *offset behind it. In parameter.c.
bool expand_dollar(struct expansion *expansion, const char *text, size_t length, size_t *offset, bool quoted);

// Splits and globs an expansion into fields. In fields.c.
void expansion_split(struct expansion *expansion, struct fields *fields);

// Evaluates an arithmetic expression; false after a message. In arithmetic.c.
bool arithmetic_evaluate(struct shell *shell, const char *text, long long *value);
