// Turns shell text into tokens. Text comes from a source, line by line when it is typed; a word is the piece
// of that text as written, quotes included. Reserved words and aliases are the parser's business.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/common/buffer.h"
#include "programs/sh/ast.h"
#include "programs/sh/region.h"

struct source {
    struct buffer text; // what was read and not yet dropped
    size_t position;    // of the next character in it
    int line;           // line number at `position`, from 1
    // Appends at least one line to `text`; `continued` when a command was begun. Null or false: there is no
    // more.
    bool (*more)(struct source *source, bool continued);
    void *context;  // of more()
    bool continued; // a command has begun
    bool ended;
};

void source_init(struct source *source);
void source_init_text(struct source *source, const char *text, size_t length);
void source_free(struct source *source);

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_WORD,
    TOKEN_NUMBER, // one digit right before < or >
    TOKEN_AND_IF,
    TOKEN_OR_IF,
    TOKEN_AMPERSAND,
    TOKEN_PIPE,
    TOKEN_SEMICOLON,
    TOKEN_DOUBLE_SEMICOLON,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_LESS,
    TOKEN_GREATER,
    TOKEN_CLOBBER,
    TOKEN_APPEND,
    TOKEN_READ_WRITE,
    TOKEN_LESS_AND,
    TOKEN_GREATER_AND,
    TOKEN_BOTH,
    TOKEN_BOTH_APPEND,
    TOKEN_HERE,
    TOKEN_HERE_TABS,
    TOKEN_HERE_STRING,
};

struct token {
    enum token_kind kind;
    const char *text; // of a word or number, in the parser's region; for operators, as written
    size_t start;     // offset in the source's text
    int line;
};

#define HERE_MAX 16

struct active_alias {
    const char *name;
    size_t end; // offset where the substituted text ends
};

struct parser {
    struct source *source;
    struct region *region;
    struct token token; // the one being looked at
    bool token_is_ready;
    int depth;
    bool was_arithmetic; // the last $( that was skipped was a $((
    bool failed;
    int error_line;
    char error[160];
    struct redirect *here[HERE_MAX]; // announced, text not yet read
    bool here_strips_tabs[HERE_MAX];
    int here_count;
    const char *(*alias_find)(void *context, const char *name);
    void *alias_context;
    struct active_alias active[16];
    int active_count;
    size_t alias_blank_end; // an alias ending in a blank makes the word at this offset an alias candidate too
};

// Reads the next token into parser->token. On an error the token is TOKEN_END and parser->failed is set.
void lexer_read(struct parser *parser);

// Records the first error, with the line where it was found.
void parser_error(struct parser *parser, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

// From just behind "$(": parses up to the matching ")" and stops behind it. In parser.c.
bool parser_skip_substitution(struct parser *parser);

// Skips "$name", "${...}", "$(...)", "$((...))", "$'...'" from the dollar sign on.
bool lexer_skip_dollar(struct parser *parser, bool in_double_quotes);

// Skips "..." from its first quote on.
bool lexer_skip_double_quotes(struct parser *parser);

// A word without its quotes; `quoted` tells whether there were any. In the region.
char *word_unquote(struct region *region, const char *text, bool *quoted);
