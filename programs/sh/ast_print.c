// Writes a syntax tree back as shell text: for handing functions and subshells to another shell, for `type`,
// and for the job list. A here-document's body follows at the next line end, so a line ends after every
// command that has one.
#include "programs/sh/ast.h"

#include <string.h>

#include "programs/common/buffer.h"

#define PENDING_MAX 16

struct printer {
    struct buffer *out;
    bool one_line;
    const struct redirect *pending[PENDING_MAX];
    int pending_count;
};

static void print_node(struct printer *printer, const struct node *node);

static void delimiter_choose(const char *body, char *delimiter, size_t size) {
    // A delimiter that is no line of the body.
    memset(delimiter, 0, size);
    memcpy(delimiter, "END", 3);
    for (size_t length = 3; length + 1 < size; length++) {
        bool found = false;
        for (const char *line = body; line && *line && !found; line = strchr(line, '\n'), line += line != NULL)
            found = strncmp(line, delimiter, length) == 0 && (line[length] == '\n' || !line[length]);
        if (!found)
            return;
        delimiter[length] = 'X';
    }
}

// Ends the line and writes the here-documents that it announced.
static void print_line_end(struct printer *printer) {
    buffer_append_byte(printer->out, '\n');
    int count = printer->pending_count;
    printer->pending_count = 0;
    for (int i = 0; i < count; i++) {
        char delimiter[64];
        delimiter_choose(printer->pending[i]->body, delimiter, sizeof(delimiter));
        buffer_append_text(printer->out, printer->pending[i]->body);
        buffer_append_text(printer->out, delimiter);
        buffer_append_byte(printer->out, '\n');
    }
}

// Ends a command inside a list.
static void print_separator(struct printer *printer) {
    if (printer->one_line)
        buffer_append_text(printer->out, "; ");
    else
        print_line_end(printer);
}

static void print_operator(struct printer *printer, const char *text) {
    buffer_append_text(printer->out, text);
    if (printer->pending_count)
        print_line_end(printer);
    else
        buffer_append_byte(printer->out, ' ');
}

static void print_here(struct printer *printer, const struct redirect *redirect) {
    if (!redirect->body) {
        buffer_format(printer->out, " %d<<<%s", redirect->descriptor, redirect->word);
    } else if (printer->one_line || printer->pending_count == PENDING_MAX) {
        buffer_format(printer->out, " <<%s", redirect->word);
    } else {
        char delimiter[64];
        delimiter_choose(redirect->body, delimiter, sizeof(delimiter));
        const char *quote = redirect->body_is_literal ? "'" : "";
        buffer_format(printer->out, " %d<<%s%s%s", redirect->descriptor, quote, delimiter, quote);
        printer->pending[printer->pending_count++] = redirect;
    }
}

static void print_redirects(struct printer *printer, const struct redirect *redirect) {
    static const char *const signs[] = {
        [REDIRECT_INPUT] = "<",       [REDIRECT_OUTPUT] = ">",     [REDIRECT_CLOBBER] = ">|",      [REDIRECT_APPEND] = ">>",
        [REDIRECT_READ_WRITE] = "<>", [REDIRECT_DUPLICATE] = ">&", [REDIRECT_BOTH_APPEND] = "&>>", [REDIRECT_BOTH] = "&>",
    };
    for (; redirect; redirect = redirect->next) {
        if (redirect->kind == REDIRECT_HERE) {
            print_here(printer, redirect);
            continue;
        }
        const char *sign = signs[redirect->kind];
        if (redirect->kind == REDIRECT_DUPLICATE && redirect->duplicate_is_read)
            sign = "<&";
        buffer_append_byte(printer->out, ' ');
        bool standard = redirect->descriptor == (sign[0] == '<' ? 0 : 1);
        if (sign[0] != '&' && !standard)
            buffer_format(printer->out, "%d", redirect->descriptor);
        buffer_format(printer->out, "%s%s", sign, redirect->word);
    }
}

static void print_words(struct printer *printer, const struct word *word, const char *before) {
    for (; word; word = word->next) {
        buffer_append_text(printer->out, before);
        buffer_append_text(printer->out, word->text);
        before = " ";
    }
}

static void print_body(struct printer *printer, const char *open, const struct node *body) {
    buffer_append_text(printer->out, open);
    if (printer->one_line)
        buffer_append_byte(printer->out, ' ');
    else
        print_line_end(printer);
    print_node(printer, body);
    if (printer->one_line && body->kind == NODE_BACKGROUND)
        buffer_append_byte(printer->out, ' ');
    else
        print_separator(printer);
}

static void print_if(struct printer *printer, const struct node *node) {
    print_body(printer, "if", node->left);
    print_body(printer, "then", node->right);
    if (node->other)
        print_body(printer, "else", node->other);
    buffer_append_text(printer->out, "fi");
}

static void print_case(struct printer *printer, const struct node *node) {
    buffer_format(printer->out, "case %s in", node->words->text);
    if (printer->one_line)
        buffer_append_byte(printer->out, ' ');
    else
        print_line_end(printer);
    for (const struct case_item *item = node->items; item; item = item->next) {
        buffer_append_byte(printer->out, '(');
        for (const struct word *pattern = item->patterns; pattern; pattern = pattern->next)
            buffer_format(printer->out, "%s%s", pattern->text, pattern->next ? "|" : "");
        buffer_append_text(printer->out, ") ");
        if (item->body)
            print_node(printer, item->body);
        if (printer->pending_count)
            print_line_end(printer);
        buffer_append_text(printer->out, " ;;");
        if (printer->one_line)
            buffer_append_byte(printer->out, ' ');
        else
            print_line_end(printer);
    }
    buffer_append_text(printer->out, "esac");
}

static void print_for(struct printer *printer, const struct node *node) {
    buffer_format(printer->out, "for %s", node->name);
    if (!node->over_arguments)
        print_words(printer, node->words, " in ");
    if (!node->over_arguments && !node->words)
        buffer_append_text(printer->out, " in");
    print_separator(printer);
    print_body(printer, "do", node->right);
    buffer_append_text(printer->out, "done");
}

static void print_pipeline(struct printer *printer, const struct node *node) {
    if (node->negated)
        buffer_append_text(printer->out, "! ");
    for (int i = 0; i < node->part_count; i++) {
        if (i)
            print_operator(printer, " |");
        print_node(printer, node->parts[i]);
    }
}

static void print_compound(struct printer *printer, const struct node *node) {
    switch (node->kind) {
    case NODE_GROUP:
        print_body(printer, "{", node->left);
        buffer_append_byte(printer->out, '}');
        break;
    case NODE_SUBSHELL:
        print_body(printer, "(", node->left);
        buffer_append_byte(printer->out, ')');
        break;
    case NODE_IF:
        print_if(printer, node);
        break;
    case NODE_WHILE:
    case NODE_UNTIL:
        print_body(printer, node->kind == NODE_WHILE ? "while" : "until", node->left);
        print_body(printer, "do", node->right);
        buffer_append_text(printer->out, "done");
        break;
    case NODE_FOR:
        print_for(printer, node);
        break;
    default:
        print_case(printer, node);
        break;
    }
    print_redirects(printer, node->redirects);
}

// Long lists nest to the right: a loop instead of recursion.
static void print_sequence(struct printer *printer, const struct node *node) {
    for (; node->kind == NODE_SEQUENCE; node = node->right) {
        print_node(printer, node->left);
        if (printer->one_line && node->left->kind == NODE_BACKGROUND)
            buffer_append_byte(printer->out, ' ');
        else
            print_separator(printer);
    }
    print_node(printer, node);
}

static void print_node(struct printer *printer, const struct node *node) {
    switch (node->kind) {
    case NODE_SIMPLE:
        print_words(printer, node->assignments, "");
        print_words(printer, node->words, node->assignments ? " " : "");
        print_redirects(printer, node->redirects);
        break;
    case NODE_PIPELINE:
        print_pipeline(printer, node);
        break;
    case NODE_AND:
    case NODE_OR:
        print_node(printer, node->left);
        print_operator(printer, node->kind == NODE_AND ? " &&" : " ||");
        print_node(printer, node->right);
        break;
    case NODE_SEQUENCE:
        print_sequence(printer, node);
        break;
    case NODE_BACKGROUND:
        print_node(printer, node->left);
        buffer_append_text(printer->out, " &");
        break;
    case NODE_FUNCTION:
        buffer_format(printer->out, "%s() ", node->name);
        print_node(printer, node->left);
        break;
    default:
        print_compound(printer, node);
        break;
    }
}

void tree_print(const struct node *node, struct buffer *out, bool one_line) {
    struct printer printer = {.out = out, .one_line = one_line};
    print_node(&printer, node);
    if (printer.pending_count)
        print_line_end(&printer);
}
