// errno, and the turning of errors into it. One thread runs in a process for now, so errno is a plain
// variable.
#include <errno.h>

#include "libc/internal/result.h"

static int errno_value;

int *__errno_location(void) {
    return &errno_value;
}

int result_of(error_t error) {
    if (error >= ERR_OK)
        return 0;
    errno = -error;
    return -1;
}

long result_with(error_t error, long value) {
    return result_of(error) == 0 ? value : -1;
}
