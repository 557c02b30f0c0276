// A program's view of what it was started with (libipc/include/startup.h). Called by the start code of libc
// and of servers, before anything else of libipc.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/include/startup.h"

// Checks the block, sets up the message page and the clock, and marks the slots that are in use as taken:
// those below free_slot, and in a restarted role whatever the table still holds. ERR_CORRUPT: the program
// can't run.
MUST_USE error_t startup_accept(const struct startup *startup);

// The block that was accepted.
const struct startup *startup_data(void);

// The slot of the capability called `name`; 0 if the program was not given it.
cap_t startup_capability(const char *name);

// The capability called `prefix` followed by the number `index` ("block0", "block1"); 0 if there is none.
cap_t startup_capability_numbered(const char *prefix, uint32_t index);
