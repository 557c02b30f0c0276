// Pipelines and background commands: every part is a process of its own, started with its ends of the pipes
// as descriptors 0 and 1 of the shell itself, which are put back at once.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/execute.h"
#include "programs/sh/expand.h"
#include "programs/sh/parser.h"
#include "programs/sh/spawn.h"
#include "programs/sh/variables.h"

static bool words_have_side_effects(const struct word *word) {
    for (; word; word = word->next) {
        if (word_has_side_effects(word->text))
            return true;
    }
    return false;
}

// Whether the part can be expanded here on behalf of the process that it will be: nothing that it does may be
// seen by the shell.
static bool is_direct(struct shell *shell, const struct node *node) {
    if (node->kind != NODE_SIMPLE || !node->words || shell->xtrace || shell->nounset)
        return false;
    if (words_have_side_effects(node->words) || words_have_side_effects(node->assignments))
        return false;
    for (const struct redirect *redirect = node->redirects; redirect; redirect = redirect->next) {
        if (word_has_side_effects(redirect->word) || (redirect->body && word_has_side_effects(redirect->body)))
            return false;
    }
    // The command's name must be seen to be that of a program, not of a function or builtin.
    const char *name = node->words->text;
    return !strpbrk(name, "\\\"'$`*?[~") && !builtin_find(name) && !function_find(shell, name);
}

static bool assign_temporarily(struct shell *shell, const struct word *assignments) {
    for (; assignments; assignments = assignments->next) {
        size_t length = name_length(assignments->text);
        const char *name = region_copy(&shell->temporary, assignments->text, length);
        const char *value = expand_text(shell, assignments->text + length + 1, EXPAND_ASSIGN);
        if (!value)
            return false;
        variable_save(shell, name);
        if (!variable_set(shell, name, value))
            return false;
        variable_mark(shell, name, VARIABLE_EXPORTED);
    }
    return true;
}

static void start_direct(struct shell *shell, const struct node *node, struct job *job) {
    struct fields fields = {0};
    struct saved_descriptor *saved = NULL;
    struct saved_variable *mark = variables_mark(shell);
    int before = job->count;
    bool done = expand_words(shell, node->words, &fields) && redirects_apply(shell, node->redirects, &saved) &&
                assign_temporarily(shell, node->assignments);
    if (done)
        program_spawn(shell, job, fields_end(shell, &fields));
    redirects_restore(&saved);
    variables_restore(shell, mark);
    if (job->count == before)
        job_add(job, 0, shell->flow == FLOW_ABORT ? shell->last_status : 1);
    if (shell->flow == FLOW_ABORT)
        shell->flow = FLOW_NONE; // the error is that of one part only
}

void execute_start(struct shell *shell, const struct node *node, struct job *job) {
    struct region_mark mark = region_mark(&shell->temporary);
    int status = shell->last_status;
    if (is_direct(shell, node)) {
        start_direct(shell, node, job);
    } else {
        char *script = node_script(node);
        subshell_spawn(shell, job, script);
        free(script);
    }
    shell->last_status = status;
    region_release(&shell->temporary, mark);
}

static void job_fail(struct job *job, int error) {
    shell_error("pipe", "%s", error_text(error));
    job_add(job, 0, 1);
}

static void pipeline_start(struct shell *shell, const struct node *node, struct job *job) {
    int input = -1;
    for (int i = 0; i < node->part_count; i++) {
        int ends[2] = {-1, -1};
        bool last = i + 1 == node->part_count;
        if (!last && !pipe_open(ends)) {
            job_fail(job, errno);
            break;
        }
        struct saved_descriptor *saved = NULL;
        bool ready = (input < 0 || descriptor_replace(STDIN_FILENO, input, &saved)) &&
                     (last || descriptor_replace(STDOUT_FILENO, ends[1], &saved));
        if (input >= 0)
            close(input);
        if (ends[1] >= 0)
            close(ends[1]);
        input = ends[0];
        if (ready)
            execute_start(shell, node->parts[i], job);
        else
            job_fail(job, errno);
        redirects_restore(&saved);
    }
    if (input >= 0)
        close(input);
}

int execute_pipeline(struct shell *shell, const struct node *node) {
    if (node->part_count == 1) { // only negated
        shell->errexit_suspended++;
        int status = execute(shell, node->parts[0]);
        shell->errexit_suspended--;
        return shell->flow ? shell->last_status : !status;
    }
    struct job *job = job_new(shell, node_text(node), false);
    job->negated = node->negated;
    pipeline_start(shell, node, job);
    return job_wait(shell, job);
}

void execute_background(struct shell *shell, const struct node *node) {
    struct job *job = job_new(shell, node_text(node), true);
    struct saved_descriptor *saved = NULL;
    if (!shell->job_control) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null >= 0) {
            descriptor_replace(STDIN_FILENO, null, &saved);
            close(null);
        }
    }
    if (node->kind == NODE_PIPELINE && !node->negated)
        pipeline_start(shell, node, job);
    else
        execute_start(shell, node, job);
    redirects_restore(&saved);
    const struct process *last = &job->processes[job->count - 1];
    if (last->pid)
        shell->last_background = last->pid;
    if (shell->interactive && last->pid)
        dprintf(STDERR_FILENO, "[%d] %ld\n", job->id, (long)last->pid);
}
