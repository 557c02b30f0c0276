// Signals: sending, actions and the mask.
#include <signal.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int kill(pid_t pid, int signal) {
    return result_of(system_kill(pid, signal));
}

int killpg(pid_t group, int signal) {
    if (group < 0)
        return result_of(ERR_INVALID);
    return kill(-group, signal);
}

int raise(int signal) {
    return kill(getpid(), signal);
}

int sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old) {
    if (signal < 1 || signal >= NSIG)
        return result_of(ERR_INVALID);
    return result_of(system_signal_action(signal, action, old));
}

void (*signal(int number, void (*handler)(int)))(int) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    return sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old) {
    return result_of(system_signal_mask(how, set, old));
}
