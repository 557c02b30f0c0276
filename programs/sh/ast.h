// The syntax tree of a command. Words stay as they were written, quotes and all; expansion works on that
// text, and tree_print() can therefore write a tree back as a script that means the same. Trees live in a
// region.
#pragma once

#include <stdbool.h>

struct buffer;

struct word {
    struct word *next;
    const char *text;
};

enum redirect_kind {
    REDIRECT_INPUT,       // <
    REDIRECT_OUTPUT,      // >
    REDIRECT_CLOBBER,     // >|
    REDIRECT_APPEND,      // >>
    REDIRECT_READ_WRITE,  // <>
    REDIRECT_DUPLICATE,   // <& and >&
    REDIRECT_BOTH,        // &>
    REDIRECT_BOTH_APPEND, // &>>
    REDIRECT_HERE,        // << and <<-, and <<<
};

struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int descriptor;
    const char *word;       // the target; of a here-document its delimiter
    const char *body;       // of a here-document: the text, ready but for expansion; null for <<<
    bool body_is_literal;   // the delimiter was quoted
    bool duplicate_is_read; // <& rather than >&, which only matters for printing
};

enum node_kind {
    NODE_SIMPLE,     // assignments, words, redirects
    NODE_PIPELINE,   // parts[], negated
    NODE_AND,        // left && right
    NODE_OR,         // left || right
    NODE_SEQUENCE,   // left ; right
    NODE_BACKGROUND, // left &
    NODE_GROUP,      // { left; }
    NODE_SUBSHELL,   // ( left )
    NODE_IF,         // if left; then right; else other
    NODE_WHILE,      // while left; do right
    NODE_UNTIL,      // until left; do right
    NODE_FOR,        // for name in words; do right
    NODE_CASE,       // case words in items
    NODE_FUNCTION,   // name() left
};

struct case_item {
    struct case_item *next;
    struct word *patterns;
    struct node *body; // may be null
};

struct node {
    enum node_kind kind;
    int line; // where the command starts
    struct node *left;
    struct node *right;
    struct node *other;
    struct word *assignments;
    struct word *words;
    struct redirect *redirects; // of simple and compound commands
    struct case_item *items;
    const char *name;
    struct node **parts; // of a pipeline
    int part_count;
    bool negated;
    bool over_arguments; // `for` without `in`
};

// Writes the tree as text that parses to the same tree. With `one_line`, as `jobs` shows it: without
// here-document bodies.
void tree_print(const struct node *node, struct buffer *out, bool one_line);
