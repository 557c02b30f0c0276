// Signals as the shell sees them: what `trap` sets, ^C at the prompt, and which signals children get back as
// default. Handlers only set flags; traps run between commands.
#pragma once

#include <signal.h>

#include "programs/common/signals.h"
#include "programs/sh/shell.h"

// Installs what an interactive shell needs: ^C interrupts, job control signals don't stop the shell.
void trap_init(struct shell *shell);

// Sets what a signal does: null is the default, "" ignores it. Takes a copy.
void trap_set(struct shell *shell, int signal, const char *action);

// Whether a signal with a trap has come and its trap has not run yet.
bool trap_is_pending(void);

// Runs the traps of signals that have come; between commands.
void trap_run_pending(struct shell *shell);

// Runs the EXIT trap, once, and returns the status to exit with.
int trap_run_exit(struct shell *shell, int status);

// Drops traps in a subshell; ignored signals stay ignored.
void trap_reset(struct shell *shell);

// Marks that ^C came; trap_interrupted() tells and forgets it.
void trap_interrupt(struct shell *shell);
bool trap_interrupted(void);
bool trap_interrupt_came(void); // does not forget it

// The signals that a child must have as default although the shell ignores them.
void trap_default_set(const struct shell *shell, sigset_t *set);
