// Finding servers that hang: once a second, by what the kernel knows of queues and threads. Nothing is asked
// of a server that it could refuse, and nobody is waited for.
#pragma once

#include <stdint.h>

// Looks at all roles, and restarts those that serve nobody any more. Returns when to look again (monotonic
// time).
uint64_t roles_watch(uint64_t now);
