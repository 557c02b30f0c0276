// See signal_steps.h. Compiled against our own headers, as libc/system/signal.c is.
#include "tests/host/process/signal_steps.h"

#include <signal.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"

cap_t layer_task = 1;

error_t layer_wait(cap_t notification, uint64_t deadline, uint64_t *bits) {
    (void)notification;
    (void)deadline;
    (void)bits;
    return ERR_DEADLINE; // nothing came
}

static void handler(int signal) {
    (void)signal;
}

error_t signal_step(int signal, enum signal_step what) {
    struct sigaction action = {0};
    action.sa_handler = what == SIGNAL_STEP_IGNORE ? SIG_IGN : what == SIGNAL_STEP_CATCH ? handler : SIG_DFL;
    return system_signal_action(signal, &action, NULL);
}
