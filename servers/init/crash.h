// Reports of failures: what happened, where, in whose service, who waits, and what was done about it. Collected while the failed
// actor is there, told when the next one runs: finding names takes long. Lines of the log between a first one that ends with
// "crash report" and a last one that ends with "end of report"; the program `logfile` makes files of them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/protocols/thread.h"
#include "servers/init/role.h"

enum { CRASH_FRAMES = 12 };

struct crash {
    struct image image;
    struct thread_registers registers;
    uint64_t stack[CRASH_FRAMES]; // addresses of calls, innermost first
    uint32_t depth;
    uint64_t served_thread, served_count; // number of the request in service; 0: none
    bool failed_before, request_is_known;
    uint16_t code; // its method
    uint64_t badge, queued, oldest, sessions;
};

// Before role_ended; its thread has faulted or is stopped.
void crash_collect(struct crash *crash, const struct role *role);
// After it. words: of EVENT_FAULT (kernel/abi/message.h).
void crash_report(const struct role *role, const struct crash *crash, const uint64_t *words);
// A role that hung; `waiting`: the role at whose queue it was noticed.
void hang_report(const struct role *role, const struct crash *crash, const struct role *waiting);
