// A program's view of what it was started with (libipc/include/startup.h): its capabilities by name, its
// arguments. Called by the start code of libc and of servers, before anything else of libipc.
#pragma once

#include <stdbool.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/include/startup.h"

// Checks the data, sets up the message page and the clock, marks the slots named in it as taken. ERR_CORRUPT:
// it is not what it should be; the program can't run.
MUST_USE error_t startup_accept(const struct startup *startup);

// The data that was accepted.
const struct startup *startup_data(void);

// The slot of the capability called `name`; 0 if the program was not given it.
cap_t startup_capability(const char *name);

// The value beside it in the list; 0 if there is none.
uint32_t startup_value(const char *name);

// The capability called `prefix` followed by the number `index` ("block0", "block1"); 0 if there is none.
cap_t startup_capability_numbered(const char *prefix, uint32_t index);

// Argument or environment string `index`; NULL behind the last.
const char *startup_argument(uint32_t index);
const char *startup_environment(uint32_t index);

// An ipc_complain_function (libipc/client/call.h): has init replace the server of a session. For roles.
bool complain_to_init(cap_t session);
