// Compound commands: if, while, until, for, case, { } and ( ). The rest of the grammar is in parser.c.
#include "programs/sh/parse.h"

static struct node *parse_list_required(struct parser *parser) {
    struct node *list = parse_list(parser);
    return list ? list : parse_unexpected(parser);
}

static struct node *parse_if(struct parser *parser) {
    struct node *node = parse_node_new(parser, NODE_IF, parse_look(parser)->line);
    parse_consume(parser);
    node->left = parse_list_required(parser);
    if (!node->left || !parse_expect_word(parser, "then"))
        return NULL;
    node->right = parse_list_required(parser);
    if (!node->right)
        return NULL;
    if (parse_is_word(parser, "elif")) {
        node->other = parse_if(parser); // takes the `fi`
        return node->other ? node : NULL;
    }
    if (parse_is_word(parser, "else")) {
        parse_consume(parser);
        node->other = parse_list_required(parser);
        if (!node->other)
            return NULL;
    }
    return parse_expect_word(parser, "fi") ? node : NULL;
}

static struct node *parse_do_group(struct parser *parser, struct node *node) {
    if (!parse_expect_word(parser, "do"))
        return NULL;
    node->right = parse_list_required(parser);
    return node->right && parse_expect_word(parser, "done") ? node : NULL;
}

static struct node *parse_loop(struct parser *parser, enum node_kind kind) {
    struct node *node = parse_node_new(parser, kind, parse_look(parser)->line);
    parse_consume(parser);
    node->left = parse_list_required(parser);
    return node->left ? parse_do_group(parser, node) : NULL;
}

static struct node *parse_for(struct parser *parser) {
    struct node *node = parse_node_new(parser, NODE_FOR, parse_look(parser)->line);
    parse_consume(parser);
    if (parse_look(parser)->kind != TOKEN_WORD || !is_name(parser->token.text))
        return parse_unexpected(parser);
    node->name = parser->token.text;
    parse_consume(parser);
    parse_skip_newlines(parser);
    node->over_arguments = !parse_is_word(parser, "in");
    if (!node->over_arguments) {
        parse_consume(parser);
        struct word **end = &node->words;
        for (; parse_look(parser)->kind == TOKEN_WORD; parse_consume(parser)) {
            *end = parse_word_new(parser, parser->token.text);
            end = &(*end)->next;
        }
        if (parse_look(parser)->kind != TOKEN_SEMICOLON && parse_look(parser)->kind != TOKEN_NEWLINE)
            return parse_unexpected(parser);
    }
    if (parse_look(parser)->kind == TOKEN_SEMICOLON)
        parse_consume(parser);
    parse_skip_newlines(parser);
    return parse_do_group(parser, node);
}

static struct case_item *parse_case_item(struct parser *parser) {
    struct case_item *item = region_allocate(parser->region, sizeof(*item));
    struct word **end = &item->patterns;
    if (parse_look(parser)->kind == TOKEN_OPEN)
        parse_consume(parser);
    for (;;) {
        if (parse_look(parser)->kind != TOKEN_WORD) {
            parse_unexpected(parser);
            return NULL;
        }
        *end = parse_word_new(parser, parser->token.text);
        end = &(*end)->next;
        parse_consume(parser);
        if (parse_look(parser)->kind != TOKEN_PIPE)
            break;
        parse_consume(parser);
    }
    if (parse_look(parser)->kind != TOKEN_CLOSE) {
        parse_unexpected(parser);
        return NULL;
    }
    parse_consume(parser);
    item->body = parse_list(parser);
    if (parse_look(parser)->kind == TOKEN_DOUBLE_SEMICOLON)
        parse_consume(parser);
    else if (!parse_is_word(parser, "esac"))
        parse_unexpected(parser);
    return parser->failed ? NULL : item;
}

static struct node *parse_case(struct parser *parser) {
    struct node *node = parse_node_new(parser, NODE_CASE, parse_look(parser)->line);
    parse_consume(parser);
    if (parse_look(parser)->kind != TOKEN_WORD)
        return parse_unexpected(parser);
    node->words = parse_word_new(parser, parser->token.text);
    parse_consume(parser);
    parse_skip_newlines(parser);
    if (!parse_expect_word(parser, "in"))
        return NULL;
    parse_skip_newlines(parser);
    struct case_item **end = &node->items;
    while (!parse_is_word(parser, "esac")) {
        *end = parse_case_item(parser);
        if (!*end)
            return NULL;
        end = &(*end)->next;
        parse_skip_newlines(parser);
    }
    parse_consume(parser);
    return node;
}

static struct node *parse_group(struct parser *parser, enum node_kind kind) {
    struct node *node = parse_node_new(parser, kind, parse_look(parser)->line);
    parse_consume(parser);
    node->left = parse_list_required(parser);
    if (!node->left)
        return NULL;
    if (kind == NODE_SUBSHELL ? parse_look(parser)->kind != TOKEN_CLOSE : !parse_is_word(parser, "}"))
        return parse_unexpected(parser);
    parse_consume(parser);
    return node;
}

struct node *parse_compound(struct parser *parser, bool *compound) {
    *compound = true;
    if (parse_look(parser)->kind == TOKEN_OPEN)
        return parse_group(parser, NODE_SUBSHELL);
    if (parse_is_word(parser, "{"))
        return parse_group(parser, NODE_GROUP);
    if (parse_is_word(parser, "if"))
        return parse_if(parser);
    if (parse_is_word(parser, "while"))
        return parse_loop(parser, NODE_WHILE);
    if (parse_is_word(parser, "until"))
        return parse_loop(parser, NODE_UNTIL);
    if (parse_is_word(parser, "for"))
        return parse_for(parser);
    if (parse_is_word(parser, "case"))
        return parse_case(parser);
    *compound = false;
    return NULL;
}
