// Reports of failures: what happened, where, in whose service, who waits, and what was done about it. Collected while the failed
// actor is there, told when the next one runs: finding names takes long. Lines of the log between a first one that ends with
// "crash report" and a last one that ends with "end of report"; the program `logfile` makes files of them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/protocols/thread.h"
#include "libipc/server/server.h"
#include "servers/init/role.h"

enum { CRASH_FRAMES = 12, CRASH_MESSAGES = 6 };

struct crash {
    struct image image;
    struct thread_registers registers;
    uint64_t stack[CRASH_FRAMES]; // addresses of calls, innermost first
    uint32_t depth;
    uint64_t served_thread, served_count; // number of the request in service; 0: none
    bool failed_before, request_is_known;
    uint16_t code; // its method
    uint64_t badge, queued, oldest, sessions;
    struct server_message messages[CRASH_MESSAGES]; // the last ones, oldest first
    uint32_t message_count;
};

// Before role_ended; its thread has faulted or is stopped.
void crash_collect(struct crash *crash, const struct role *role);
// The same of one that runs: stops its thread first.
void crash_stop(struct crash *crash, const struct role *role);
// After it. words: of EVENT_FAULT (kernel/abi/message.h).
void crash_report(const struct role *role, const struct crash *crash, const uint64_t *words);
// The stack, and the request in service, are those of a fiber that waits: the frame of its wait, and its request.
void crash_of_fiber(struct crash *crash, const struct role *role, uint64_t frame, const struct request *request);
// A role that hung, and how it was noticed: by the queue of itself or another role, by a request.
void hang_report(const struct role *role, const struct crash *crash, const char *noticed, const struct role *where);
// A role of whose answers somebody complained.
void lie_report(const struct role *role, const struct crash *crash);
