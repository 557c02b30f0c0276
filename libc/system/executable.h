// Loading a program into a new process: a static position-independent ELF file for x86-64, at a random address.
#pragma once

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

struct executable {
    uint64_t base, length, entry;
};

// Reads the file's segments into memory charged to `account`, and maps them into `process`. ERR_NOT_EXECUTABLE.
error_t executable_load(cap_t file, cap_t process, cap_t account, struct executable *executable) MUST_USE;
