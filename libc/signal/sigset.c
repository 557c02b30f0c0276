// Sets of signals: a bit each.
#include <signal.h>

#include "libc/internal/result.h"

static int set_bit(sigset_t *set, int signal, int value) {
    if (signal < 1 || signal >= NSIG)
        return result_of(ERR_INVALID);
    sigset_t bit = 1ul << (signal - 1);
    *set = value ? *set | bit : *set & ~bit;
    return 0;
}

int sigemptyset(sigset_t *set) {
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set) {
    *set = ~0ul;
    return 0;
}

int sigaddset(sigset_t *set, int signal) {
    return set_bit(set, signal, 1);
}

int sigdelset(sigset_t *set, int signal) {
    return set_bit(set, signal, 0);
}

int sigismember(const sigset_t *set, int signal) {
    if (signal < 1 || signal >= NSIG)
        return result_of(ERR_INVALID);
    return (int)((*set >> (signal - 1)) & 1);
}
