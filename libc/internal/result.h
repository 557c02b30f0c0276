// The one place where a negative error becomes errno. Every POSIX function that is a thin layer over system.h
// returns through here.
#pragma once

#include <sys/types.h>

#include "kernel/abi/errors.h"

// 0 if error is ERR_OK; otherwise errno is set and -1 returned.
int result_of(error_t error);

// `value` if error is ERR_OK; otherwise as result_of.
long result_with(error_t error, long value);
