// abort and a failed assert.
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "libc/internal/system.h"

void abort(void) {
    raise(SIGABRT); // a handler may have a last word
    system_abort();
}

void __assert_failed(const char *expression, const char *file, int line, const char *function) {
    fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, function, expression);
    abort();
}
