// The name of a signal in words, as a shell reports it.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *const signal_sentences[] = {
    [SIGHUP] = "hangup",
    [SIGINT] = "interrupt",
    [SIGQUIT] = "quit",
    [SIGILL] = "illegal instruction",
    [SIGTRAP] = "trace trap",
    [SIGABRT] = "aborted",
    [SIGBUS] = "bus error",
    [SIGFPE] = "arithmetic exception",
    [SIGKILL] = "killed",
    [SIGUSR1] = "user signal 1",
    [SIGSEGV] = "segmentation fault",
    [SIGUSR2] = "user signal 2",
    [SIGPIPE] = "broken pipe",
    [SIGALRM] = "alarm clock",
    [SIGTERM] = "terminated",
    [SIGCHLD] = "child exited",
    [SIGCONT] = "continued",
    [SIGSTOP] = "stopped (signal)",
    [SIGTSTP] = "stopped",
    [SIGTTIN] = "stopped (terminal input)",
    [SIGTTOU] = "stopped (terminal output)",
    [SIGURG] = "urgent data",
    [SIGXCPU] = "processor time limit exceeded",
    [SIGXFSZ] = "file size limit exceeded",
    [SIGVTALRM] = "virtual timer expired",
    [SIGPROF] = "profiling timer expired",
    [SIGWINCH] = "window changed",
    [SIGIO] = "input or output possible",
    [SIGPWR] = "power failure",
    [SIGSYS] = "bad system call",
};

char *strsignal(int signal) {
    static char unknown[32];
    if (signal > 0 && (size_t)signal < sizeof signal_sentences / sizeof signal_sentences[0] && signal_sentences[signal] != NULL)
        return (char *)(uintptr_t)signal_sentences[signal];
    snprintf(unknown, sizeof unknown, "unknown signal %d", signal);
    return unknown;
}

void psignal(int signal, const char *prefix) {
    if (prefix != NULL && *prefix != '\0')
        fprintf(stderr, "%s: %s\n", prefix, strsignal(signal));
    else
        fprintf(stderr, "%s\n", strsignal(signal));
}
