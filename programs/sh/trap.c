// Signals as the shell sees them. The only state that handlers touch is the array of pending flags.
#include "programs/sh/trap.h"

#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"

static volatile sig_atomic_t pending[SIGNAL_COUNT];
static volatile sig_atomic_t any_pending = 0;
static volatile sig_atomic_t interrupted = 0;

static const int kept_out[] = {SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};
#define KEPT_OUT_COUNT (sizeof(kept_out) / sizeof(kept_out[0]))

static void handle(int signal) {
    pending[signal] = 1;
    any_pending = 1;
    if (signal == SIGINT)
        interrupted = 1;
}

// No SA_RESTART: read() and waitpid() must return, so that the shell can act.
static void action_set(int signal, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static bool is_kept_out(const struct shell *shell, int signal) {
    for (size_t i = 0; shell->interactive && i < KEPT_OUT_COUNT; i++) {
        if (kept_out[i] == signal)
            return true;
    }
    return false;
}

static void action_restore(const struct shell *shell, int signal) {
    if (shell->interactive && signal == SIGINT)
        action_set(signal, handle);
    else
        action_set(signal, is_kept_out(shell, signal) ? SIG_IGN : SIG_DFL);
}

void trap_init(struct shell *shell) {
    if (!shell->interactive)
        return;
    action_restore(shell, SIGINT);
    for (size_t i = 0; i < KEPT_OUT_COUNT; i++)
        action_restore(shell, kept_out[i]);
}

void trap_set(struct shell *shell, int signal, const char *action) {
    free(shell->traps[signal]);
    shell->traps[signal] = action ? string_copy(action) : NULL;
    pending[signal] = 0;
    if (signal == 0 || signal == SIGKILL || signal == SIGSTOP)
        return;
    if (!action)
        action_restore(shell, signal);
    else
        action_set(signal, *action ? handle : SIG_IGN);
}

bool trap_is_pending(void) {
    (void)sigprocmask(SIG_BLOCK, NULL,
                      NULL); // where handlers run only inside calls, a loop of builtins makes none
    return any_pending;
}

void trap_run_pending(struct shell *shell) {
    if (!any_pending)
        return;
    any_pending = 0;
    for (int signal = 1; signal < SIGNAL_COUNT; signal++) {
        if (!pending[signal])
            continue;
        pending[signal] = 0;
        if (!shell->traps[signal] || !*shell->traps[signal])
            continue;
        int status = shell->last_status;
        char *action = string_copy(shell->traps[signal]); // the trap may change itself
        shell_run_text(shell, action);
        free(action);
        if (shell->flow == FLOW_NONE)
            shell->last_status = status;
    }
}

int trap_run_exit(struct shell *shell, int status) {
    char *action = shell->traps[0];
    if (!action)
        return status;
    shell->traps[0] = NULL;
    shell->flow = FLOW_NONE;
    shell->last_status = status;
    shell_run_text(shell, action);
    free(action);
    return shell->flow == FLOW_EXIT ? shell->last_status : status;
}

void trap_reset(struct shell *shell) {
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        if (shell->traps[signal] && *shell->traps[signal])
            trap_set(shell, signal, NULL);
    }
}

void trap_interrupt(struct shell *shell) {
    (void)shell;
    interrupted = 1;
}

bool trap_interrupt_came(void) {
    return interrupted;
}

bool trap_interrupted(void) {
    bool was = interrupted;
    interrupted = 0;
    return was;
}

void trap_default_set(const struct shell *shell, sigset_t *set) {
    sigemptyset(set);
    for (size_t i = 0; shell->interactive && i < KEPT_OUT_COUNT; i++) {
        if (!shell->traps[kept_out[i]])
            sigaddset(set, kept_out[i]);
    }
}
