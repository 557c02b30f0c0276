// The report of a fault: what happened, where, and the stack by function names.
#pragma once

#include <stdint.h>

#include "servers/init/role.h"

// words: of EVENT_FAULT (kernel/abi/message.h).
void crash_report(const struct role *role, const uint64_t *words);
