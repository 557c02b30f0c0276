// Reports of failures: what happened, where, in whose service, who waits, and what is done about it. Lines of the log between a first one
// that ends with "crash report" and a last one that ends with "end of report": the program `logfile` makes files of them.
#pragma once

#include <stdint.h>

#include "servers/init/role.h"

// words: of EVENT_FAULT (kernel/abi/message.h). Before role_ended.
void crash_report(struct role *role, const uint64_t *words);
// A role that hangs, its thread stopped; `waiting`: the role at whose queue it was noticed.
void hang_report(struct role *role, const struct role *waiting);
