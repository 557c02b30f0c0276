// Faults put into a running program, for tests that show what comes of them (tests/fault/mutations.py).
#pragma once

#include "servers/init/role.h"

// Flips the bits of `value` in `length` (1 to 8) bytes of the role's memory, `offset` bytes from where its program lies;
// *was: the bytes before. // ERR_FAULT: there is no memory; ERR_INVALID: bytes of text that lie in two pages; ERR_NOT_SUPPORTED:
// it does not run.
MUST_USE error_t mutate(struct role *role, uint64_t offset, uint64_t value, uint64_t length, uint64_t *was);
