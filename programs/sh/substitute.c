// Command substitution. There is no fork, so three ways lead to the same result: builtins that change nothing
// run here and their output is collected; a single program is started with its output in a pipe; all else
// goes to a subshell.
#include "programs/sh/substitute.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/execute.h"
#include "programs/sh/parser.h"
#include "programs/sh/spawn.h"

// Builtins that only print or answer.
static bool is_pure_builtin(const char *name) {
    static const char *const names[] = {"echo", "printf", "pwd", "type", "true", "false", ":", "test", "["};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_pure(const struct shell *shell, const struct node *node) {
    switch (node->kind) {
    case NODE_SIMPLE:
        if (!node->words || node->assignments || node->redirects || !is_pure_builtin(node->words->text) ||
            function_find(shell, node->words->text))
            return false;
        for (const struct word *word = node->words; word; word = word->next) {
            if (word_has_side_effects(word->text))
                return false;
        }
        return true;
    case NODE_AND:
    case NODE_OR:
    case NODE_SEQUENCE:
        return is_pure(shell, node->left) && is_pure(shell, node->right);
    case NODE_PIPELINE:
        return node->part_count == 1 && is_pure(shell, node->parts[0]);
    default:
        return false;
    }
}

static int run_here(struct shell *shell, const struct node *tree, struct buffer *output) {
    struct buffer *outer = shell->capture;
    shell->capture = output;
    int status = execute(shell, tree);
    shell->capture = outer;
    if (shell->flow != FLOW_NONE) { // errors and `set -e` end the substitution only
        status = shell->last_status;
        shell->flow = FLOW_NONE;
    }
    return status;
}

static int run_apart(struct shell *shell, const struct node *tree, const char *script, struct buffer *output) {
    int ends[2];
    struct saved_descriptor *saved = NULL;
    if (!pipe_open(ends)) {
        shell_error("pipe", "%s", error_text(errno));
        return 1;
    }
    bool job_control = shell->job_control; // these processes belong to the shell's own group
    shell->job_control = false;
    struct job *job = job_new(shell, string_copy(script), false);
    if (descriptor_replace(STDOUT_FILENO, ends[1], &saved)) {
        if (tree)
            execute_start(shell, tree, job);
        else
            subshell_spawn(shell, job, script);
    }
    redirects_restore(&saved);
    close(ends[1]);
    buffer_read_all(output, ends[0]);
    close(ends[0]);
    int status = job_wait(shell, job);
    shell->job_control = job_control;
    return status;
}

// Parses the script; `whole` tells whether it is a single command, which *tree then is.
static bool script_parse(struct shell *shell, const char *script, size_t length, struct node **tree, bool *whole) {
    struct source source;
    struct parser parser;
    struct node *rest;
    source_init_text(&source, script, length);
    parser_init(&parser, &source, &shell->temporary, shell_alias_find, shell);
    enum parse_result result;
    do
        result = parser_next(&parser, tree);
    while (result == PARSE_EMPTY);
    *whole = false;
    if (result == PARSE_TREE) {
        enum parse_result next;
        do
            next = parser_next(&parser, &rest);
        while (next == PARSE_EMPTY);
        *whole = next == PARSE_END;
        if (next == PARSE_ERROR)
            result = next;
    }
    if (result == PARSE_ERROR) {
        shell_error(NULL, "line %d: %s", shell->line + parser.error_line - 1, parser.error);
        shell_abort(shell, STATUS_SYNTAX);
    }
    source_free(&source);
    return result != PARSE_ERROR;
}

bool substitute(struct shell *shell, const char *script, size_t length, struct expansion *expansion, bool quoted) {
    struct node *tree;
    bool whole;
    if (!script_parse(shell, script, length, &tree, &whole))
        return false;
    struct buffer output;
    buffer_init(&output);
    int last_status = shell->last_status;
    int status = 0;
    if (tree) {
        if (whole && is_pure(shell, tree))
            status = run_here(shell, tree, &output);
        else
            status = run_apart(shell, whole ? tree : NULL, region_copy(&shell->temporary, script, length), &output);
    }
    shell->last_status = last_status;
    shell->substitution_status = status;
    size_t end = output.length;
    while (end && output.data[end - 1] == '\n')
        end--;
    for (size_t i = 0; i < end; i++) {
        if (output.data[i]) // zero bytes can't be in a word
            expansion_emit(expansion, &output.data[i], 1, quoted ? MARK_QUOTED : MARK_SPLIT);
    }
    buffer_free(&output);
    return true;
}
