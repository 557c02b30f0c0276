// A compiled regular expression: a program for a machine that follows all its branches at once (Thompson
// 1968, Pike's virtual machine), so that matching takes time in proportion to program times text, and no
// more. Made by regex/regcomp.c and regex/regex_emit.c, run by regex/regexec.c.
//
// Characters are UTF-8; a byte that is part of none is REGEX_LONE_BYTE | byte, which no text can contain.
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

enum {
    REGEX_LONE_BYTE = 0xdc00,
    REGEX_INSTRUCTIONS = 32768, // more is REG_ESPACE
    REGEX_DEPTH = 200,          // of parentheses
};

enum regex_assertion {
    ASSERT_LINE_START,
    ASSERT_LINE_END,
    ASSERT_WORD_START,
    ASSERT_WORD_END,
    ASSERT_WORD_EDGE,
    ASSERT_NO_WORD_EDGE,
};

enum regex_class {
    CLASS_ALNUM,
    CLASS_ALPHA,
    CLASS_BLANK,
    CLASS_CNTRL,
    CLASS_DIGIT,
    CLASS_GRAPH,
    CLASS_LOWER,
    CLASS_PRINT,
    CLASS_PUNCT,
    CLASS_SPACE,
    CLASS_UPPER,
    CLASS_XDIGIT,
    CLASS_COUNT,
};

struct regex_range {
    wint_t low, high;
};

// A bracket expression.
struct regex_set {
    struct regex_range *ranges;
    size_t count;
    unsigned classes; // bits 1 << CLASS_...
    bool underscore;  // for \w
    bool inverted, fold;
    uint64_t ascii[2]; // the answer for the first 128 characters
};

enum regex_operation { OP_CHARACTER, OP_ANY, OP_SET, OP_SPLIT, OP_JUMP, OP_OPEN, OP_CLOSE, OP_ASSERT, OP_MATCH };

struct regex_instruction {
    enum regex_operation operation;
    uint32_t a; // character, set, target, group, assertion
    uint32_t b; // split: the other target; open: the last group inside
};

struct regex_scratch;

struct __regex {
    struct regex_instruction *code;
    size_t size, capacity;
    struct regex_set *sets;
    size_t set_count;
    int flags;               // of regcomp
    uint64_t first_bytes[4]; // a match can only begin with one of these
    bool matches_empty;      // or with nothing
    char *literal;           // the whole pattern, if it is plain text; literal_size bytes
    size_t literal_size;
    struct regex_scratch *scratch; // kept between runs
};

// --- The parsed form: a tree of nodes, in an array ---

enum regex_node_kind {
    NODE_EMPTY,
    NODE_CHARACTER,
    NODE_ANY,
    NODE_SET,
    NODE_ASSERT,
    NODE_SEQUENCE,
    NODE_CHOICE,
    NODE_REPEAT,
    NODE_GROUP
};

struct regex_node {
    enum regex_node_kind kind;
    uint32_t value;      // character, set, assertion, group
    int least, most;     // repeat; most -1: without limit
    int child, next;     // first child and next sibling; -1: none
    uint32_t last_group; // group: the highest group inside
};

// Makes the code for the tree. REG_ESPACE if it gets too long.
int regex_emit(struct __regex *regex, const struct regex_node *nodes, int root);
// Finds the bytes that a match can begin with, and whether the pattern is plain text.
void regex_analyse(struct __regex *regex);

// Reads a bracket expression at *at (behind the '['), and leaves *at behind its ']'. The result is a REG_
// error or 0.
int regex_set_parse(struct regex_set *set, const char **at, bool fold, bool newline);
bool regex_set_has(const struct regex_set *set, wint_t c);
void regex_set_finish(struct regex_set *set); // fills `ascii`

// The character at `at`, before `end`; *size gets its bytes.
wint_t regex_character(const char *at, const char *end, unsigned *size);

void regex_scratch_free(struct regex_scratch *scratch);
