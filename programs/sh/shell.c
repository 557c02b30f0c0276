// What holds the parts of the shell together: running text, functions, arguments, errors.
#include "programs/sh/shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/execute.h"
#include "programs/sh/parser.h"

void shell_error(const char *subject, const char *format, ...) {
    char text[512];
    va_list list;
    int length = snprintf(text, sizeof(text), "sh: %s%s", subject ? subject : "", subject ? ": " : "");
    if (length > (int)sizeof(text) - 100)
        length = (int)sizeof(text) - 100; // a very long subject is cut, the reason is not
    va_start(list, format);
    vsnprintf(text + length, sizeof(text) - (size_t)length - 1, format, list);
    va_end(list);
    strcat(text, "\n");
    descriptor_write(STDERR_FILENO, text, strlen(text));
}

void shell_abort(struct shell *shell, int status) {
    shell->last_status = status;
    shell->flow = FLOW_ABORT;
}

const char *shell_alias_find(void *context, const char *name) {
    const struct shell *shell = context;
    for (const struct alias *alias = shell->aliases; alias; alias = alias->next) {
        if (strcmp(alias->name, name) == 0)
            return alias->value;
    }
    return NULL;
}

int shell_run_source(struct shell *shell, struct source *source) {
    int status = 0;
    while (shell->flow == FLOW_NONE) {
        struct region region = {0};
        struct parser parser;
        struct node *tree;
        parser_init(&parser, source, &region, shell_alias_find, shell);
        enum parse_result result = parser_next(&parser, &tree);
        if (result == PARSE_TREE) {
            status = execute(shell, tree);
        } else if (result == PARSE_ERROR) {
            shell_error(NULL, "line %d: %s", parser.error_line, parser.error);
            shell_abort(shell, STATUS_SYNTAX);
            status = STATUS_SYNTAX;
        }
        region_free(&region);
        if (result == PARSE_END)
            break;
    }
    return shell->flow == FLOW_NONE ? status : shell->last_status;
}

int shell_run_text(struct shell *shell, const char *text) {
    struct source source;
    source_init_text(&source, text, strlen(text));
    int status = shell_run_source(shell, &source);
    source_free(&source);
    return status;
}

const struct function *function_find(const struct shell *shell, const char *name) {
    const struct function *function = shell->functions;
    while (function && strcmp(function->name, name) != 0)
        function = function->next;
    return function;
}

static void function_free(struct function *function) {
    region_free(&function->region);
    free(function->name);
    free(function->text);
    free(function);
}

void function_release(struct function *function) {
    function->users--;
    if (function->dropped && !function->users)
        function_free(function);
}

bool function_remove(struct shell *shell, const char *name) {
    struct function **link = &shell->functions;
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    struct function *function = *link;
    if (!function)
        return false;
    *link = function->next;
    function->dropped = true;
    if (!function->users)
        function_free(function);
    return true;
}

void function_define(struct shell *shell, const struct node *node) {
    // The tree goes with the command that defined it: the function gets its own, from its own text.
    struct function *function = memory_allocate(sizeof(*function));
    *function = (struct function){.name = string_copy(node->name), .text = node_script(node)};
    struct source source;
    struct parser parser;
    struct node *tree;
    source_init_text(&source, function->text, strlen(function->text));
    source.line = node->line;
    parser_init(&parser, &source, &function->region, NULL, NULL);
    if (parser_next(&parser, &tree) != PARSE_TREE) {
        shell_error(node->name, "function can't be kept: %s", parser.error);
        shell_abort(shell, STATUS_SYNTAX);
        source_free(&source);
        function_free(function);
        return;
    }
    source_free(&source);
    function->tree = tree->left;
    function_remove(shell, node->name);
    function->next = shell->functions;
    shell->functions = function;
}

void shell_set_arguments(struct shell *shell, char **arguments, int count) {
    char **copies = count ? memory_allocate((size_t)count * sizeof(char *)) : NULL;
    for (int i = 0; i < count; i++)
        copies[i] = string_copy(arguments[i]);
    for (int i = 0; i < shell->argument_count; i++)
        free(shell->arguments[i]);
    free(shell->arguments);
    shell->arguments = copies;
    shell->argument_count = count;
}
