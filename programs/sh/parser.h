// Builds syntax trees from shell text, one complete command (up to the end of its last line) at a time.
#pragma once

#include "programs/sh/lexer.h"

enum parse_result {
    PARSE_TREE,  // *tree is a command
    PARSE_EMPTY, // a blank line or a comment
    PARSE_END,   // the text has ended
    PARSE_ERROR, // parser->error and parser->error_line say what is wrong
};

// Prepares to read from `source`; trees are made in `region`. `alias_find` may be null.
void parser_init(struct parser *parser, struct source *source, struct region *region,
                 const char *(*alias_find)(void *context, const char *name), void *alias_context);

// The next complete command.
enum parse_result parser_next(struct parser *parser, struct node **tree);

// Whether the text is a valid name of a variable or function.
bool is_name(const char *text);

// The length of the name that the text starts with, 0 if it starts with none.
size_t name_length(const char *text);
