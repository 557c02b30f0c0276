// sigaction() of our libc for tests that are compiled against the host's. Called by test_signal_order.c.
#pragma once

#include "kernel/abi/errors.h"

enum signal_step { SIGNAL_STEP_DEFAULT, SIGNAL_STEP_IGNORE, SIGNAL_STEP_CATCH };

error_t signal_step(int signal, enum signal_step what);
