// The manifest, parsed. Strings point into a private copy of the text and live as long as init. Invariant: after
// manifest_parse succeeded, every session names a role that exists.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

enum { MANIFEST_ROLES = 40, MANIFEST_SESSIONS = 16, MANIFEST_ARGUMENTS = 16, MANIFEST_BOOT = 4, MANIFEST_BYTES = 16384 };

#define MANIFEST_ALL_MEMORY UINT64_MAX

enum { MANIFEST_INIT = 0xffffffff }; // role_index of a session with init itself

struct manifest_session {
    const char *name, *role, *badge;
    uint32_t role_index;
    uint32_t line;
};

struct manifest_boot {
    const char *name;
    cap_t slot;      // init's own
    uint16_t rights; // 0: all
};

struct manifest_role {
    const char *name;
    const char *arguments[MANIFEST_ARGUMENTS]; // the first is the program's path
    struct manifest_session sessions[MANIFEST_SESSIONS];
    struct manifest_boot boot[MANIFEST_BOOT];
    uint32_t argument_count, session_count, boot_count;
    uint32_t priority, line;
    uint64_t memory, state, log; // bytes
    uint16_t kernel_rights;
    bool optional, fpu, keep, gathers;
};

struct manifest {
    struct manifest_role roles[MANIFEST_ROLES];
    uint32_t role_count;
    uint32_t error_line; // where parsing failed
    const char *error;   // why
};

// Copies and parses `length` bytes. ERR_INVALID: error_line and error say where and why.
error_t manifest_parse(struct manifest *manifest, const char *text, size_t length) MUST_USE;
