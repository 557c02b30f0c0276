// Turns shell text into tokens (POSIX.1-2017, XCU 2.3, with bash's <<<, &>, &>> and $'...'). The end of a
// word is found without interpreting it; only "$(" needs the parser, since what closes it depends on the
// commands inside.
#include "programs/sh/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void source_init(struct source *source) {
    *source = (struct source){.line = 1};
    buffer_init(&source->text);
}

void source_init_text(struct source *source, const char *text, size_t length) {
    source_init(source);
    buffer_append(&source->text, text, length);
}

void source_free(struct source *source) {
    buffer_free(&source->text);
}

void parser_error(struct parser *parser, int line, const char *format, ...) {
    if (parser->failed)
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(parser->error, sizeof(parser->error), format, list);
    va_end(list);
    parser->failed = true;
    parser->error_line = line;
}

// The character `ahead` of the position, or -1 at the end of the text. Reads on only for the next character,
// or where the line goes on: asking for more than that would wait for input that the command does not need.
static int source_at(struct source *source, size_t ahead) {
    while (source->position + ahead >= source->text.length) {
        if (source->ended || !source->more || !source->more(source, source->continued)) {
            source->ended = true;
            return -1;
        }
    }
    return (unsigned char)source->text.data[source->position + ahead];
}

static int peek(struct parser *parser) {
    return source_at(parser->source, 0);
}

// The character after the next one, without reading another line.
static int peek_second(struct parser *parser) {
    struct source *source = parser->source;
    return source->position + 1 < source->text.length ? (unsigned char)source->text.data[source->position + 1] : -1;
}

static void advance(struct parser *parser) {
    if (parser->source->text.data[parser->source->position++] == '\n')
        parser->source->line++;
}

static bool unterminated(struct parser *parser, const char *what, int line) {
    parser_error(parser, line, "unexpected end of file: %s is not closed", what);
    return false;
}

static bool skip_single_quotes(struct parser *parser, bool escapes) {
    int line = parser->source->line;
    advance(parser);
    for (int c; (c = peek(parser)) != '\'';) {
        if (c < 0)
            return unterminated(parser, "'", line);
        advance(parser);
        if (c == '\\' && escapes && peek(parser) >= 0)
            advance(parser);
    }
    advance(parser);
    return true;
}

static bool skip_backquotes(struct parser *parser) {
    int line = parser->source->line;
    advance(parser);
    for (int c; (c = peek(parser)) != '`';) {
        if (c < 0)
            return unterminated(parser, "`", line);
        advance(parser);
        if (c == '\\' && peek(parser) >= 0)
            advance(parser);
    }
    advance(parser);
    return true;
}

bool lexer_skip_double_quotes(struct parser *parser) {
    int line = parser->source->line;
    advance(parser);
    for (int c; (c = peek(parser)) != '"';) {
        if (c < 0)
            return unterminated(parser, "\"", line);
        if (c == '$') {
            if (!lexer_skip_dollar(parser, true))
                return false;
        } else if (c == '`') {
            if (!skip_backquotes(parser))
                return false;
        } else {
            advance(parser);
            if (c == '\\' && peek(parser) >= 0)
                advance(parser);
        }
    }
    advance(parser);
    return true;
}

// From the "{" of "${".
static bool skip_braces(struct parser *parser, bool in_double_quotes) {
    int line = parser->source->line;
    advance(parser);
    bool in_name = true;
    bool single_quotes_count = !in_double_quotes;
    for (int c; (c = peek(parser)) != '}' || in_name;) {
        if (c < 0)
            return unterminated(parser, "${", line);
        if (in_name && c == '}')
            break;
        if (in_name && c != '_' && !isalnum(c)) {
            // Right after the name comes the operator: quotes count inside a pattern, even within double
            // quotes.
            in_name = false;
            if (c == '%' || c == '#')
                single_quotes_count = true;
        }
        bool done = true;
        if (c == '\'' && single_quotes_count)
            done = skip_single_quotes(parser, false);
        else if (c == '"')
            done = lexer_skip_double_quotes(parser);
        else if (c == '`')
            done = skip_backquotes(parser);
        else if (c == '$' && peek_second(parser) != '}')
            done = lexer_skip_dollar(parser, in_double_quotes);
        else
            advance(parser);
        if (!done)
            return false;
        if (c == '\\' && peek(parser) >= 0)
            advance(parser);
    }
    advance(parser);
    return true;
}

// From behind "$((" up to behind "))"; false, without an error, if it turns out to be a command substitution
// that begins with a subshell.
static bool skip_arithmetic(struct parser *parser) {
    int depth = 0;
    for (;;) {
        int c = peek(parser);
        if (c < 0)
            return false;
        if (c == '$') {
            if (!lexer_skip_dollar(parser, true))
                return false;
            continue;
        }
        if (c == '`') {
            if (!skip_backquotes(parser))
                return false;
            continue;
        }
        if (c == ')' && depth == 0) {
            if (peek_second(parser) != ')')
                return false;
            advance(parser);
            advance(parser);
            return true;
        }
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        advance(parser);
        if (c == '\\' && peek(parser) >= 0)
            advance(parser);
    }
}

static bool skip_parentheses(struct parser *parser) {
    struct source *source = parser->source;
    advance(parser);
    if (source_at(source, 0) == '(') {
        size_t position = source->position;
        int line = source->line;
        advance(parser);
        if (skip_arithmetic(parser)) {
            parser->was_arithmetic = true;
            return true;
        }
        if (parser->failed)
            return false;
        source->position = position;
        source->line = line;
    }
    bool done = parser_skip_substitution(parser);
    parser->was_arithmetic = false;
    return done;
}

bool lexer_skip_dollar(struct parser *parser, bool in_double_quotes) {
    if (++parser->depth > 100) {
        parser_error(parser, parser->source->line, "nested too deeply");
        return false;
    }
    advance(parser);
    int c = peek_second(parser) < 0 && parser->source->position >= parser->source->text.length ? -1 : peek(parser);
    bool done = true;
    if (c == '(')
        done = skip_parentheses(parser);
    else if (c == '{')
        done = skip_braces(parser, in_double_quotes);
    else if (c == '\'' && !in_double_quotes)
        done = skip_single_quotes(parser, true);
    parser->depth--;
    return done;
}

static bool ends_word(int c) {
    return c < 0 || strchr(" \t\n;&|<>()", c) != NULL;
}

static bool skip_word(struct parser *parser) {
    for (int c; !ends_word(c = peek(parser));) {
        bool done = true;
        if (c == '\'') {
            done = skip_single_quotes(parser, false);
        } else if (c == '"') {
            done = lexer_skip_double_quotes(parser);
        } else if (c == '`') {
            done = skip_backquotes(parser);
        } else if (c == '$') {
            done = lexer_skip_dollar(parser, false);
        } else {
            advance(parser);
            if (c == '\\' && peek(parser) >= 0)
                advance(parser);
        }
        if (!done)
            return false;
    }
    return true;
}

// Blanks, comments and joined lines before a token.
static void skip_blanks(struct parser *parser) {
    for (;;) {
        int c = peek(parser);
        if (c == ' ' || c == '\t') {
            advance(parser);
        } else if (c == '\\' && peek_second(parser) == '\n') {
            advance(parser);
            advance(parser);
        } else if (c == '#') {
            while ((c = peek(parser)) >= 0 && c != '\n')
                advance(parser);
        } else {
            return;
        }
    }
}

// One line of a here-document into `line`, without its newline; false at the end of the text.
static bool here_line(struct parser *parser, struct buffer *line) {
    buffer_clear(line);
    if (peek(parser) < 0)
        return false;
    for (int c; (c = peek(parser)) >= 0 && c != '\n';) {
        buffer_append_byte(line, (char)c);
        advance(parser);
    }
    if (peek(parser) == '\n')
        advance(parser);
    return true;
}

// Reads the text of the here-documents that the line before announced. A missing end is the end of the text.
static void here_documents_read(struct parser *parser) {
    struct buffer line, body;
    buffer_init(&line);
    buffer_init(&body);
    for (int i = 0; i < parser->here_count; i++) {
        struct redirect *here = parser->here[i];
        bool quoted;
        const char *delimiter = word_unquote(parser->region, here->word, &quoted);
        buffer_clear(&body);
        while (here_line(parser, &line)) {
            const char *text = line.data;
            while (parser->here_strips_tabs[i] && *text == '\t')
                text++;
            if (strcmp(text, delimiter) == 0)
                break;
            buffer_append_text(&body, text);
            buffer_append_byte(&body, '\n');
        }
        here->body = region_copy(parser->region, body.data, body.length);
        here->body_is_literal = quoted;
    }
    parser->here_count = 0;
    buffer_free(&line);
    buffer_free(&body);
}

struct operator{
    const char *text;
    enum token_kind kind;
};

// Longest first.
static const struct operator operators[] = {
    {"&>>", TOKEN_BOTH_APPEND}, {"<<<", TOKEN_HERE_STRING}, {"<<-", TOKEN_HERE_TABS},
    {"&&", TOKEN_AND_IF},       {"||", TOKEN_OR_IF},        {";;", TOKEN_DOUBLE_SEMICOLON},
    {"<<", TOKEN_HERE},         {">>", TOKEN_APPEND},       {"<&", TOKEN_LESS_AND},
    {">&", TOKEN_GREATER_AND},  {"<>", TOKEN_READ_WRITE},   {">|", TOKEN_CLOBBER},
    {"&>", TOKEN_BOTH},         {"&", TOKEN_AMPERSAND},     {"|", TOKEN_PIPE},
    {";", TOKEN_SEMICOLON},     {"(", TOKEN_OPEN},          {")", TOKEN_CLOSE},
    {"<", TOKEN_LESS},          {">", TOKEN_GREATER},
};

static void read_operator(struct parser *parser) {
    const char *rest = parser->source->text.data + parser->source->position;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (strncmp(rest, operators[i].text, strlen(operators[i].text)) == 0) {
            parser->token.kind = operators[i].kind;
            parser->token.text = operators[i].text;
            parser->source->position += strlen(operators[i].text);
            return;
        }
    }
}

void lexer_read(struct parser *parser) {
    struct source *source = parser->source;
    parser->token_is_ready = true;
    parser->token = (struct token){.kind = TOKEN_END, .text = "end of file", .line = source->line};
    if (parser->failed)
        return;
    skip_blanks(parser);
    parser->token.line = source->line;
    parser->token.start = source->position;
    int c = peek(parser);
    if (c < 0)
        return;
    if (c == '\n') {
        parser->token.kind = TOKEN_NEWLINE;
        parser->token.text = "end of line";
        advance(parser);
        if (parser->here_count)
            here_documents_read(parser);
        return;
    }
    source->continued = true;
    if (ends_word(c)) {
        read_operator(parser);
        return;
    }
    if (!skip_word(parser))
        return;
    size_t length = source->position - parser->token.start;
    parser->token.text = region_copy(parser->region, source->text.data + parser->token.start, length);
    parser->token.kind = TOKEN_WORD;
    int next = source->position < source->text.length ? source->text.data[source->position] : -1;
    if ((next == '<' || next == '>') && strspn(parser->token.text, "0123456789") == length && length == 1)
        parser->token.kind = TOKEN_NUMBER;
}

char *word_unquote(struct region *region, const char *text, bool *quoted) {
    size_t length = strlen(text);
    char *result = region_allocate(region, length + 1);
    size_t used = 0;
    char quote = 0;
    *quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
            *quoted = true;
        } else if (quote && c == quote) {
            quote = 0;
        } else if (c == '\\' && quote != '\'' && i + 1 < length && (!quote || strchr("$`\"\\", text[i + 1]))) {
            *quoted = true;
            result[used++] = text[++i];
        } else {
            result[used++] = c;
        }
    }
    result[used] = 0;
    return result;
}
