// Signals: what the program does with each, and the mask. A signal that is handled is a bit in a notification
// of this process, set by the process server; handlers run when the program enters or leaves a call that
// looks for them (wait, kill, read, poll, sigprocmask, sigaction), never in between. Invariant: `caught` is
// what the server was told.
#include <signal.h>
#include <stdbool.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/task.h"

enum { INHERITED = 32 };

#define LONG_AGO 1 // a deadline that has passed: looks without waiting

static struct sigaction actions[NSIG];
static sigset_t blocked;
static uint64_t caught, pending; // bit n - 1: signal n
static cap_t notification;

static uint64_t bit_of(int signal) {
    return UINT64_C(1) << (signal - 1);
}

static bool is_handler(const struct sigaction *action) {
    return action->sa_handler != SIG_IGN && action->sa_handler != SIG_DFL;
}

static error_t tell_caught(uint64_t wanted) {
    cap_t fresh = 0;
    error_t error = ERR_OK;
    if (wanted == caught)
        return ERR_OK;
    if (!notification) {
        error = account_create_notification(SLOT_ACCOUNT, &notification);
        fresh = notification;
    }
    if (!error)
        error = task_set_caught(layer_task, wanted, fresh);
    if (!error)
        caught = wanted;
    return error;
}

// The process server leaves alone what is ignored, and hands over what is caught; to be caught counts more. A signal may come
// between two calls: one that goes from the one to the other must not be neither, and end the program, for a moment.
static error_t tell(void) {
    uint64_t ignored = 0, wanted = 0;
    for (int signal = 1; signal < NSIG; signal++) {
        if (actions[signal].sa_handler == SIG_IGN)
            ignored |= bit_of(signal);
        else if (is_handler(&actions[signal]))
            wanted |= bit_of(signal);
    }
    error_t error = tell_caught(caught | wanted);
    if (!error)
        error = task_set_ignored(layer_task, ignored);
    return error ? error : tell_caught(wanted);
}

// Runs one handler with its mask in force. True if calls that it interrupted are to end.
static bool handle(int signal) {
    struct sigaction action = actions[signal];
    sigset_t before = blocked;
    if (!is_handler(&action))
        return false;
    blocked |= action.sa_mask | (action.sa_flags & SA_NODEFER ? 0 : bit_of(signal));
    if (action.sa_flags & SA_RESETHAND)
        actions[signal].sa_handler = SIG_DFL;
    if (action.sa_flags & SA_SIGINFO) {
        siginfo_t information = {.si_signo = signal};
        action.sa_sigaction(signal, &information, NULL);
    } else {
        action.sa_handler(signal);
    }
    blocked = before;
    return !(action.sa_flags & SA_RESTART);
}

bool layer_signals_run(void) {
    bool interrupts = false;
    uint64_t bits;
    if (!caught)
        return false;
    if (layer_wait(notification, LONG_AGO, &bits) == ERR_OK)
        pending |= bits;
    for (uint64_t ready; (ready = pending & ~(uint64_t)blocked) != 0;) {
        int signal = __builtin_ctzll(ready) + 1;
        pending &= ~bit_of(signal);
        interrupts |= handle(signal);
    }
    return interrupts;
}

bool layer_signal_is_held(int signal) {
    return actions[signal].sa_handler == SIG_IGN || (blocked & bit_of(signal)) != 0;
}

uint32_t layer_signals_ignored(void) {
    uint32_t ignored = 0;
    for (int signal = 1; signal <= INHERITED; signal++)
        if (actions[signal].sa_handler == SIG_IGN)
            ignored |= (uint32_t)bit_of(signal);
    return ignored;
}

// The server was told by whoever started this process.
void layer_signals_inherit(uint32_t ignored) {
    for (int signal = 1; signal <= INHERITED; signal++)
        if (ignored & bit_of(signal))
            actions[signal].sa_handler = SIG_IGN;
}

error_t system_signal_action(int signal, const struct sigaction *action, struct sigaction *old) {
    if (signal <= 0 || signal >= NSIG)
        return ERR_INVALID;
    if (old)
        *old = actions[signal];
    if (!action)
        return ERR_OK;
    bool changes = actions[signal].sa_handler != action->sa_handler;
    (void)layer_signals_run(); // by the action that was in force when it came
    actions[signal] = *action;
    return changes ? tell() : ERR_OK;
}

error_t system_signal_mask(int how, const sigset_t *set, sigset_t *old) {
    if (old)
        *old = blocked;
    if (set && how == SIG_SETMASK)
        blocked = *set;
    else if (set && how == SIG_BLOCK)
        blocked |= *set;
    else if (set && how == SIG_UNBLOCK)
        blocked &= ~*set;
    else if (set)
        return ERR_INVALID;
    (void)layer_signals_run();
    return ERR_OK;
}
