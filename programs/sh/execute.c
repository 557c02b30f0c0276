// Runs syntax trees. Every function returns the status; leaving commands early (break, return, exit, errors)
// is told by shell->flow, which each loop and list looks at.
#include "programs/sh/execute.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/pattern.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/expand.h"
#include "programs/sh/parser.h"
#include "programs/sh/spawn.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

#define FUNCTION_DEPTH_MAX 500

static char *node_print(const struct node *node, bool one_line) {
    struct buffer text;
    buffer_init(&text);
    tree_print(node, &text, one_line);
    return buffer_take_final(&text);
}

char *node_text(const struct node *node) {
    return node_print(node, true);
}

char *node_script(const struct node *node) {
    return node_print(node, false);
}

static void trace(struct shell *shell, const struct word *assignments, char **words) {
    if (!shell->xtrace)
        return;
    struct buffer line;
    buffer_init(&line);
    const char *prompt = variable_get(shell, "PS4");
    buffer_append_text(&line, prompt ? prompt : "+ ");
    const char *between = "";
    for (; assignments; assignments = assignments->next) {
        buffer_format(&line, "%s%s", between, assignments->text);
        between = " ";
    }
    for (; words && *words; words++) {
        buffer_append_text(&line, between);
        if (**words && !strpbrk(*words, " \t\n'\"\\$`*?[]{}()<>|&;#~"))
            buffer_append_text(&line, *words);
        else
            value_quote(&line, *words);
        between = " ";
    }
    buffer_append_byte(&line, '\n');
    descriptor_write(STDERR_FILENO, line.data, line.length);
    buffer_free(&line);
}

// name=word. With `temporary`, the variable comes back by variables_restore(), and programs see it.
static bool assign(struct shell *shell, const struct word *assignments, bool temporary) {
    for (; assignments; assignments = assignments->next) {
        size_t length = name_length(assignments->text);
        char *name = region_copy(&shell->temporary, assignments->text, length);
        const char *value = expand_text(shell, assignments->text + length + 1, EXPAND_ASSIGN);
        if (!value)
            return false;
        if (temporary)
            variable_save(shell, name);
        if (!variable_set(shell, name, value)) {
            shell_abort(shell, STATUS_SYNTAX);
            return false;
        }
        if (temporary)
            variable_mark(shell, name, VARIABLE_EXPORTED);
    }
    return true;
}

static int function_call(struct shell *shell, struct function *function, int count, char **words) {
    if (shell->function_depth >= FUNCTION_DEPTH_MAX) {
        shell_error(function->name, "nested too deeply");
        shell_abort(shell, STATUS_SYNTAX);
        return shell->last_status;
    }
    char **arguments = shell->arguments;
    int argument_count = shell->argument_count;
    shell->arguments = NULL;
    shell->argument_count = 0;
    shell_set_arguments(shell, words + 1, count - 1);
    struct saved_variable *mark = variables_mark(shell);
    int loop_depth = shell->loop_depth;
    shell->loop_depth = 0;
    shell->function_depth++;
    function->users++;
    int status = execute(shell, function->tree);
    if (shell->flow == FLOW_RETURN) {
        shell->flow = FLOW_NONE;
        status = shell->last_status;
    }
    function_release(function);
    shell->function_depth--;
    shell->loop_depth = loop_depth;
    variables_restore(shell, mark);
    shell_set_arguments(shell, NULL, 0);
    shell->arguments = arguments;
    shell->argument_count = argument_count;
    return status;
}

static int builtin_call(struct shell *shell, const struct builtin *builtin, int count, char **words) {
    struct buffer out;
    buffer_init(&out);
    int status = builtin->run(shell, count, words, &out);
    if (shell->capture) {
        buffer_append(shell->capture, out.data, out.length);
    } else if (!descriptor_write(STDOUT_FILENO, out.data, out.length)) {
        if (errno != EPIPE)
            shell_error(words[0], "standard output: %s", error_text(errno));
        status = 1;
    }
    buffer_free(&out);
    return status;
}

static int program_run(struct shell *shell, char **words) {
    struct buffer text;
    buffer_init(&text);
    for (char **word = words; *word; word++)
        buffer_format(&text, "%s%s", word == words ? "" : " ", *word);
    struct job *job = job_new(shell, buffer_take_final(&text), false);
    program_spawn(shell, job, words);
    return job_wait(shell, job);
}

int execute_words(struct shell *shell, int count, char **words, bool look_in_functions) {
    const struct builtin *builtin = builtin_find(words[0]);
    struct function *function = look_in_functions ? (struct function *)(uintptr_t)function_find(shell, words[0]) : NULL;
    if (builtin && (builtin->special || !function))
        return builtin_call(shell, builtin, count, words);
    if (function)
        return function_call(shell, function, count, words);
    return program_run(shell, words);
}

static int execute_assignments(struct shell *shell, const struct node *node) {
    struct saved_descriptor *saved = NULL;
    bool done = redirects_apply(shell, node->redirects, &saved);
    redirects_restore(&saved);
    if (!done)
        return shell->flow ? shell->last_status : 1;
    trace(shell, node->assignments, NULL);
    if (!assign(shell, node->assignments, false))
        return shell->last_status;
    return shell->substitution_status >= 0 ? shell->substitution_status : 0;
}

static int execute_command(struct shell *shell, const struct node *node, struct fields *fields) {
    char **words = fields_end(shell, fields);
    const struct builtin *builtin = builtin_find(words[0]);
    bool special = builtin && builtin->special;
    bool permanent = builtin && strcmp(words[0], "exec") == 0 && fields->count == 1;
    struct saved_descriptor *saved = NULL;
    struct saved_variable *mark = variables_mark(shell);
    int status = 1;
    trace(shell, node->assignments, words);
    if (!redirects_apply(shell, node->redirects, permanent ? NULL : &saved)) {
        if (special && !shell->interactive && !shell->flow)
            shell_abort(shell, STATUS_SYNTAX);
        if (shell->flow)
            status = shell->last_status;
    } else if (!assign(shell, node->assignments, !special)) {
        status = shell->last_status;
    } else {
        status = execute_words(shell, fields->count, words, true);
    }
    redirects_restore(&saved);
    if (!special && node->assignments) // not otherwise: `local` has saved variables for its function
        variables_restore(shell, mark);
    return status;
}

static int execute_simple(struct shell *shell, const struct node *node) {
    struct fields fields = {0};
    shell->line = node->line;
    shell->substitution_status = -1;
    if (!expand_words(shell, node->words, &fields))
        return shell->last_status;
    if (fields.count == 0)
        return execute_assignments(shell, node);
    return execute_command(shell, node, &fields);
}

// Whether control is leaving; runs traps on the way.
static bool leaving(struct shell *shell) {
    if (trap_is_pending())
        trap_run_pending(shell);
    if (shell->interactive && trap_interrupted()) {
        descriptor_write(STDERR_FILENO, "\n", 1); // behind the ^C that the terminal shows
        if (shell->flow == FLOW_NONE)
            shell_abort(shell, STATUS_SIGNAL + SIGINT);
    }
    return shell->flow != FLOW_NONE;
}

// A condition: its failure is an answer, not an error for `set -e`.
static int execute_condition(struct shell *shell, const struct node *node) {
    shell->errexit_suspended++;
    int status = execute(shell, node);
    shell->errexit_suspended--;
    return status;
}

// After the body of a loop: whether the loop ends.
static bool loop_leaves(struct shell *shell) {
    if (!leaving(shell))
        return false;
    if (shell->flow != FLOW_BREAK && shell->flow != FLOW_CONTINUE)
        return true;
    if (shell->flow_levels > 1) {
        shell->flow_levels--;
        return true;
    }
    bool ends = shell->flow == FLOW_BREAK;
    shell->flow = FLOW_NONE;
    return ends;
}

static int execute_while(struct shell *shell, const struct node *node) {
    int status = 0;
    shell->loop_depth++;
    for (;;) {
        int condition = execute_condition(shell, node->left);
        if (shell->flow) {
            if (loop_leaves(shell)) {
                if (shell->flow)
                    status = condition;
                break;
            }
            continue;
        }
        if ((condition == 0) != (node->kind == NODE_WHILE))
            break;
        status = execute(shell, node->right);
        if (loop_leaves(shell))
            break;
    }
    shell->loop_depth--;
    return status;
}

static int execute_for(struct shell *shell, const struct node *node) {
    struct fields fields = {0};
    if (node->over_arguments) {
        for (int i = 0; i < shell->argument_count; i++)
            fields_add(shell, &fields, region_copy(&shell->temporary, shell->arguments[i], strlen(shell->arguments[i])));
    } else if (!expand_words(shell, node->words, &fields)) {
        return shell->last_status;
    }
    int status = 0;
    shell->loop_depth++;
    for (int i = 0; i < fields.count; i++) {
        if (!variable_set(shell, node->name, fields.items[i])) {
            shell_abort(shell, STATUS_SYNTAX);
            status = shell->last_status;
            break;
        }
        status = execute(shell, node->right);
        if (loop_leaves(shell))
            break;
    }
    shell->loop_depth--;
    return status;
}

static int execute_case(struct shell *shell, const struct node *node) {
    const char *text = expand_text(shell, node->words->text, EXPAND_VALUE);
    if (!text)
        return shell->last_status;
    for (const struct case_item *item = node->items; item; item = item->next) {
        for (const struct word *word = item->patterns; word; word = word->next) {
            const char *pattern = expand_text(shell, word->text, EXPAND_PATTERN);
            if (!pattern)
                return shell->last_status;
            if (pattern_match(pattern, text, strlen(text)))
                return item->body ? execute(shell, item->body) : 0;
        }
    }
    return 0;
}

static int execute_if(struct shell *shell, const struct node *node) {
    int condition = execute_condition(shell, node->left);
    if (leaving(shell))
        return shell->last_status;
    if (condition == 0)
        return execute(shell, node->right);
    return node->other ? execute(shell, node->other) : 0;
}

static int execute_and_or(struct shell *shell, const struct node *node) {
    int status = execute_condition(shell, node->left);
    if (leaving(shell))
        return shell->last_status;
    if ((status == 0) == (node->kind == NODE_AND))
        return execute(shell, node->right);
    return status;
}

static int execute_subshell(struct shell *shell, const struct node *node) {
    struct job *job = job_new(shell, node_text(node), false);
    char *script = node_script(node->left);
    subshell_spawn(shell, job, script);
    free(script);
    return job_wait(shell, job);
}

static int execute_compound(struct shell *shell, const struct node *node) {
    switch (node->kind) {
    case NODE_GROUP:
        return execute(shell, node->left);
    case NODE_SUBSHELL:
        return execute_subshell(shell, node);
    case NODE_IF:
        return execute_if(shell, node);
    case NODE_WHILE:
    case NODE_UNTIL:
        return execute_while(shell, node);
    case NODE_FOR:
        return execute_for(shell, node);
    default:
        return execute_case(shell, node);
    }
}

static int execute_redirected(struct shell *shell, const struct node *node) {
    struct saved_descriptor *saved = NULL;
    int status;
    if (redirects_apply(shell, node->redirects, &saved))
        status = execute_compound(shell, node);
    else
        status = shell->flow ? shell->last_status : 1;
    redirects_restore(&saved);
    return status;
}

static int execute_node(struct shell *shell, const struct node *node) {
    switch (node->kind) {
    case NODE_SIMPLE:
        return execute_simple(shell, node);
    case NODE_PIPELINE:
        return execute_pipeline(shell, node);
    case NODE_AND:
    case NODE_OR:
        return execute_and_or(shell, node);
    case NODE_BACKGROUND:
        execute_background(shell, node->left);
        return 0;
    case NODE_FUNCTION:
        function_define(shell, node);
        return 0;
    default:
        return execute_redirected(shell, node);
    }
}

static bool exits_on_error(const struct node *node) {
    return node->kind == NODE_SIMPLE || node->kind == NODE_SUBSHELL || (node->kind == NODE_PIPELINE && !node->negated);
}

int execute(struct shell *shell, const struct node *node) {
    for (;; node = node->right) {
        const struct node *command = node->kind == NODE_SEQUENCE ? node->left : node;
        struct region_mark mark = region_mark(&shell->temporary);
        int status = execute_node(shell, command);
        region_release(&shell->temporary, mark);
        if (shell->flow == FLOW_NONE || shell->flow == FLOW_BREAK || shell->flow == FLOW_CONTINUE)
            shell->last_status = status;
        if (status && shell->errexit && !shell->errexit_suspended && shell->flow == FLOW_NONE && exits_on_error(command))
            shell->flow = FLOW_EXIT;
        if (leaving(shell) || node->kind != NODE_SEQUENCE)
            return shell->last_status;
    }
}
