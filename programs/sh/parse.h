// What the two halves of the parser share: parser.c has lists, pipelines and simple commands,
// parse_compound.c the compound ones. Functions that give a node give null once parser->failed is set.
#pragma once

#include "programs/sh/parser.h"

// The token being looked at, and going on to the next.
struct token *parse_look(struct parser *parser);
void parse_consume(struct parser *parser);

// Records "unexpected TOKEN" for the token being looked at; returns null.
struct node *parse_unexpected(struct parser *parser);

struct node *parse_node_new(struct parser *parser, enum node_kind kind, int line);
struct word *parse_word_new(struct parser *parser, const char *text);

// Whether the token is this word, unquoted; the second form takes it, or records an error.
bool parse_is_word(struct parser *parser, const char *text);
bool parse_expect_word(struct parser *parser, const char *text);

void parse_skip_newlines(struct parser *parser);

// Whether the token can't begin a command but ends a list.
bool parse_closes_list(struct parser *parser);

// A list on several lines, up to what closes it; null, without an error, if it is empty.
struct node *parse_list(struct parser *parser);

struct node *parse_command(struct parser *parser);

// A compound command without its redirections; *compound is false if the token begins none.
struct node *parse_compound(struct parser *parser, bool *compound);
