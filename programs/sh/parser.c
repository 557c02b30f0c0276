// Builds syntax trees by recursive descent (POSIX.1-2017, XCU 2.10). One token of lookahead; reserved words
// are recognised only where a command may begin, and aliases are substituted there too, in the source's text.
#include "programs/sh/parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "programs/sh/parse.h"

#define DEPTH_MAX 200

size_t name_length(const char *text) {
    if (*text != '_' && !isalpha((unsigned char)*text))
        return 0;
    size_t length = 1;
    while (text[length] == '_' || isalnum((unsigned char)text[length]))
        length++;
    return length;
}

bool is_name(const char *text) {
    size_t length = name_length(text);
    return length && !text[length];
}

struct token *parse_look(struct parser *parser) {
    if (!parser->token_is_ready)
        lexer_read(parser);
    return &parser->token;
}

void parse_consume(struct parser *parser) {
    parser->token_is_ready = false;
}

struct node *parse_unexpected(struct parser *parser) {
    struct token *token = parse_look(parser);
    if (token->kind == TOKEN_END || token->kind == TOKEN_NEWLINE)
        parser_error(parser, token->line, "syntax error: unexpected %s", token->text);
    else
        parser_error(parser, token->line, "syntax error: unexpected \"%s\"", token->text);
    return NULL;
}

struct node *parse_node_new(struct parser *parser, enum node_kind kind, int line) {
    struct node *node = region_allocate(parser->region, sizeof(*node));
    node->kind = kind;
    node->line = line;
    return node;
}

struct word *parse_word_new(struct parser *parser, const char *text) {
    struct word *word = region_allocate(parser->region, sizeof(*word));
    word->text = text;
    return word;
}

bool parse_is_word(struct parser *parser, const char *text) {
    struct token *token = parse_look(parser);
    return token->kind == TOKEN_WORD && strcmp(token->text, text) == 0;
}

bool parse_expect_word(struct parser *parser, const char *text) {
    if (!parse_is_word(parser, text)) {
        parse_unexpected(parser);
        return false;
    }
    parse_consume(parser);
    return true;
}

void parse_skip_newlines(struct parser *parser) {
    while (parse_look(parser)->kind == TOKEN_NEWLINE)
        parse_consume(parser);
}

bool parse_closes_list(struct parser *parser) {
    static const char *const closers[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}"};
    struct token *token = parse_look(parser);
    if (token->kind == TOKEN_END || token->kind == TOKEN_CLOSE || token->kind == TOKEN_DOUBLE_SEMICOLON)
        return true;
    for (size_t i = 0; i < sizeof(closers) / sizeof(closers[0]); i++) {
        if (parse_is_word(parser, closers[i]))
            return true;
    }
    return false;
}

// Replaces the word being looked at by the alias of that name, if there is one that is not being substituted
// already.
static void parse_alias_substitute(struct parser *parser) {
    for (;;) {
        struct token *token = parse_look(parser);
        struct source *source = parser->source;
        if (!parser->alias_find || token->kind != TOKEN_WORD)
            return;
        while (parser->active_count && parser->active[parser->active_count - 1].end <= token->start)
            parser->active_count--;
        for (int i = 0; i < parser->active_count; i++) {
            if (strcmp(parser->active[i].name, token->text) == 0)
                return;
        }
        const char *value = parser->alias_find(parser->alias_context, token->text);
        if (!value || parser->active_count == 16)
            return;
        size_t length = strlen(value);
        size_t removed = source->position - token->start;
        buffer_replace(&source->text, token->start, removed, value, length);
        for (int i = 0; i < parser->active_count; i++)
            parser->active[i].end += length - removed;
        size_t end = token->start + length;
        parser->active[parser->active_count++] = (struct active_alias){token->text, end};
        if (length && (value[length - 1] == ' ' || value[length - 1] == '\t'))
            parser->alias_blank_end = end;
        source->position = token->start;
        parse_consume(parser);
    }
}

static bool redirect_kind_of(enum token_kind token, enum redirect_kind *kind, int *descriptor) {
    *descriptor = 1;
    switch (token) {
    case TOKEN_LESS:
        *kind = REDIRECT_INPUT;
        break;
    case TOKEN_READ_WRITE:
        *kind = REDIRECT_READ_WRITE;
        break;
    case TOKEN_LESS_AND:
        *kind = REDIRECT_DUPLICATE;
        break;
    case TOKEN_HERE:
    case TOKEN_HERE_TABS:
    case TOKEN_HERE_STRING:
        *kind = REDIRECT_HERE;
        break;
    case TOKEN_GREATER:
        *kind = REDIRECT_OUTPUT;
        return true;
    case TOKEN_CLOBBER:
        *kind = REDIRECT_CLOBBER;
        return true;
    case TOKEN_APPEND:
        *kind = REDIRECT_APPEND;
        return true;
    case TOKEN_GREATER_AND:
        *kind = REDIRECT_DUPLICATE;
        return true;
    case TOKEN_BOTH:
        *kind = REDIRECT_BOTH;
        return true;
    case TOKEN_BOTH_APPEND:
        *kind = REDIRECT_BOTH_APPEND;
        return true;
    default:
        return false;
    }
    *descriptor = 0;
    return true;
}

// One redirection if there is one; appends to the list at *end.
static bool parse_redirect(struct parser *parser, struct redirect ***end) {
    int number = -1;
    if (parse_look(parser)->kind == TOKEN_NUMBER) {
        number = atoi(parser->token.text);
        parse_consume(parser);
    }
    enum redirect_kind kind;
    int descriptor;
    enum token_kind token = parse_look(parser)->kind;
    if (!redirect_kind_of(token, &kind, &descriptor))
        return false;
    parse_consume(parser);
    if (parse_look(parser)->kind != TOKEN_WORD) {
        parse_unexpected(parser);
        return false;
    }
    struct redirect *redirect = region_allocate(parser->region, sizeof(*redirect));
    *redirect = (struct redirect){.kind = kind,
                                  .descriptor = number >= 0 ? number : descriptor,
                                  .word = parser->token.text,
                                  .duplicate_is_read = token == TOKEN_LESS_AND};
    if (token == TOKEN_HERE || token == TOKEN_HERE_TABS) {
        if (parser->here_count == HERE_MAX) {
            parser_error(parser, parser->token.line, "too many here-documents on one line");
            return false;
        }
        redirect->body = "";
        parser->here_strips_tabs[parser->here_count] = token == TOKEN_HERE_TABS;
        parser->here[parser->here_count++] = redirect;
    }
    parse_consume(parser);
    **end = redirect;
    *end = &redirect->next;
    return true;
}

static struct node *parse_simple(struct parser *parser) {
    struct node *node = parse_node_new(parser, NODE_SIMPLE, parse_look(parser)->line);
    struct word **assignments = &node->assignments;
    struct word **words = &node->words;
    struct redirect **redirects = &node->redirects;
    while (!parser->failed) {
        if (parse_redirect(parser, &redirects))
            continue;
        struct token *token = parse_look(parser);
        if (token->kind != TOKEN_WORD || parser->failed)
            break;
        if (parser->alias_blank_end && token->start >= parser->alias_blank_end) {
            parser->alias_blank_end = 0;
            parse_alias_substitute(parser);
            if (parse_look(parser)->kind != TOKEN_WORD)
                continue;
        }
        struct word *word = parse_word_new(parser, token->text);
        size_t length = name_length(token->text);
        bool assignment = !node->words && length && token->text[length] == '=';
        parse_consume(parser);
        struct word ***end = assignment ? &assignments : &words;
        **end = word;
        *end = &word->next;
        if (assignment)
            parse_alias_substitute(parser);
    }
    if (!node->assignments && !node->words && !node->redirects)
        return parse_unexpected(parser);
    return node;
}

// A function if the simple command turns out to be just a name and "(" follows.
static struct node *parse_function_or_simple(struct parser *parser) {
    struct node *node = parse_simple(parser);
    if (!node || parse_look(parser)->kind != TOKEN_OPEN)
        return node;
    if (!node->words || node->words->next || node->assignments || node->redirects || !is_name(node->words->text))
        return parse_unexpected(parser);
    parse_consume(parser);
    if (parse_look(parser)->kind != TOKEN_CLOSE)
        return parse_unexpected(parser);
    parse_consume(parser);
    parse_skip_newlines(parser);
    struct node *function = parse_node_new(parser, NODE_FUNCTION, node->line);
    function->name = node->words->text;
    function->left = parse_command(parser);
    if (function->left && (function->left->kind == NODE_SIMPLE || function->left->kind == NODE_FUNCTION)) {
        parser_error(parser, function->line, "syntax error: the body of %s is not a compound command", function->name);
        return NULL;
    }
    return function->left ? function : NULL;
}

struct node *parse_command(struct parser *parser) {
    parse_alias_substitute(parser);
    if (parse_closes_list(parser))
        return parse_unexpected(parser);
    if (++parser->depth > DEPTH_MAX) {
        parser_error(parser, parse_look(parser)->line, "nested too deeply");
        return NULL;
    }
    bool compound;
    struct node *node = parse_compound(parser, &compound);
    if (!compound) {
        node = parse_function_or_simple(parser);
    } else if (node) {
        struct redirect **end = &node->redirects;
        while (parse_redirect(parser, &end))
            continue;
    }
    parser->depth--;
    return parser->failed ? NULL : node;
}

static struct node *parse_pipeline(struct parser *parser) {
    struct node *pipeline = parse_node_new(parser, NODE_PIPELINE, parse_look(parser)->line);
    while (parse_is_word(parser, "!")) {
        parse_consume(parser);
        pipeline->negated = !pipeline->negated;
    }
    bool has_bang = pipeline->negated;
    struct node *parts[64];
    for (;;) {
        struct node *part = parse_command(parser);
        if (!part)
            return NULL;
        if (pipeline->part_count == 64) {
            parser_error(parser, part->line, "too many commands in one pipeline");
            return NULL;
        }
        parts[pipeline->part_count++] = part;
        if (parse_look(parser)->kind != TOKEN_PIPE)
            break;
        parse_consume(parser);
        parse_skip_newlines(parser);
    }
    if (pipeline->part_count == 1 && !has_bang)
        return parts[0];
    size_t size = (size_t)pipeline->part_count * sizeof(parts[0]);
    pipeline->parts = region_allocate(parser->region, size);
    memcpy(pipeline->parts, parts, size);
    return pipeline;
}

static struct node *parse_and_or(struct parser *parser) {
    struct node *left = parse_pipeline(parser);
    while (left && (parse_look(parser)->kind == TOKEN_AND_IF || parse_look(parser)->kind == TOKEN_OR_IF)) {
        struct node *node = parse_node_new(parser, parser->token.kind == TOKEN_AND_IF ? NODE_AND : NODE_OR, parser->token.line);
        parse_consume(parser);
        parse_skip_newlines(parser);
        node->left = left;
        node->right = parse_pipeline(parser);
        left = node->right ? node : NULL;
    }
    return left;
}

// One command of a list with what ends it; `ended` is set when nothing separates it from what follows.
static struct node *parse_list_item(struct parser *parser, bool *ended) {
    struct node *node = parse_and_or(parser);
    if (!node)
        return NULL;
    *ended = false;
    if (parse_look(parser)->kind == TOKEN_AMPERSAND) {
        struct node *background = parse_node_new(parser, NODE_BACKGROUND, node->line);
        background->left = node;
        parse_consume(parser);
        return background;
    }
    if (parse_look(parser)->kind == TOKEN_SEMICOLON)
        parse_consume(parser);
    else
        *ended = true;
    return node;
}

// A list on several lines, up to what closes it; null if it is empty or wrong.
struct node *parse_list(struct parser *parser) {
    struct node *list = NULL;
    struct node **end = &list;
    parse_skip_newlines(parser);
    while (!parser->failed && !parse_closes_list(parser)) {
        bool ended;
        struct node *item = parse_list_item(parser, &ended);
        if (!item)
            return NULL;
        if (ended && parse_look(parser)->kind != TOKEN_NEWLINE && !parse_closes_list(parser))
            return parse_unexpected(parser);
        parse_skip_newlines(parser);
        if (parse_closes_list(parser)) {
            *end = item;
        } else {
            *end = parse_node_new(parser, NODE_SEQUENCE, item->line);
            (*end)->left = item;
            end = &(*end)->right;
        }
    }
    return parser->failed ? NULL : list;
}

void parser_init(struct parser *parser, struct source *source, struct region *region,
                 const char *(*alias_find)(void *context, const char *name), void *alias_context) {
    *parser = (struct parser){.source = source, .region = region, .alias_find = alias_find, .alias_context = alias_context};
}

bool parser_skip_substitution(struct parser *parser) {
    struct parser *inner = region_allocate(parser->region, sizeof(*inner));
    parser_init(inner, parser->source, parser->region, NULL, NULL);
    inner->depth = parser->depth + 1;
    int line = parser->source->line;
    if (inner->depth > 100)
        parser_error(inner, line, "nested too deeply");
    parse_list(inner);
    if (!inner->failed && parse_look(inner)->kind != TOKEN_CLOSE) {
        if (inner->token.kind == TOKEN_END)
            parser_error(inner, line, "unexpected end of file: $( is not closed");
        else
            parse_unexpected(inner);
    }
    if (inner->failed)
        parser_error(parser, inner->error_line, "%s", inner->error);
    return !inner->failed;
}

enum parse_result parser_next(struct parser *parser, struct node **tree) {
    struct source *source = parser->source;
    // What was executed is dropped now and then, not each time: that would be quadratic.
    if (source->position > 4096 && source->position > source->text.length / 2) {
        buffer_replace(&source->text, 0, source->position, NULL, 0);
        source->position = 0;
    }
    *parser = (struct parser){
        .source = source, .region = parser->region, .alias_find = parser->alias_find, .alias_context = parser->alias_context};
    source->continued = false;
    *tree = NULL;
    if (parse_look(parser)->kind == TOKEN_NEWLINE)
        return PARSE_EMPTY;
    if (parse_look(parser)->kind == TOKEN_END)
        return parser->failed ? PARSE_ERROR : PARSE_END;
    struct node **end = tree;
    for (;;) {
        bool ended;
        struct node *item = parse_list_item(parser, &ended);
        if (!item)
            return PARSE_ERROR;
        enum token_kind kind = parse_look(parser)->kind;
        bool last = kind == TOKEN_NEWLINE || kind == TOKEN_END;
        if (ended && !last)
            parse_unexpected(parser);
        if (parser->failed)
            return PARSE_ERROR;
        if (last) {
            *end = item;
            return PARSE_TREE;
        }
        *end = parse_node_new(parser, NODE_SEQUENCE, item->line);
        (*end)->left = item;
        end = &(*end)->right;
    }
}
