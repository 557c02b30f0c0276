<<<<<<< HEAD
// What a process finds when it starts: one read-only block, whose address is the first argument of its entry point. Filled by
// init for servers and by libc's spawn for programs; read by libipc/start. Fixed slots (kernel/abi/capability.h: self,
// thread, account, kernel, clock) are filled in every process and are not listed.
=======
// What a process finds at its start: one read-only run of pages, whose address is the first argument of its first thread.
// Filled by whoever starts it (init, or a parent process), read through libipc/start/start.h. All offsets are in bytes from
// the beginning, all tables lie inside `length`. Fixed slots (kernel/abi/capability.h: self, thread, account, kernel, clock)
// are filled in every process and are not listed.
>>>>>>> main
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/message.h"
<<<<<<< HEAD

#define STARTUP_MAGIC 0x74726174736c656b // "kelstart"

enum {
    STARTUP_VERSION = 1,
    STARTUP_NAME_BYTES = 32,
    STARTUP_FIRST_FREE_SLOT = 10,  // slots below are fixed; listed capabilities follow, then free_slot
    STARTUP_MAX_BYTES = 256 * 1024 // arguments and environment of a program included
=======

#define STARTUP_MAGIC UINT64_C(0x70757472617453) // "Startup"
enum { STARTUP_VERSION = 1, STARTUP_NAME_BYTES = 32, STARTUP_FIRST_FREE_SLOT = 10 };

// A capability that the program was handed, by name: "block", "root", "log".
struct startup_capability {
    char name[STARTUP_NAME_BYTES]; // NUL-padded; the last byte is NUL
    uint32_t slot;
    uint32_t value; // descriptors: their flags
>>>>>>> main
};

struct startup_capability {
    char name[STARTUP_NAME_BYTES]; // as the manifest names it, NUL-padded
    uint32_t slot;
    uint32_t value; // descriptors: flags of the descriptor
};

// All offsets are in bytes from the start of the block; tables are 8-byte aligned. Strings are NUL-terminated.
struct startup {
    uint64_t magic;
    uint32_t version;
<<<<<<< HEAD
    uint32_t length;           // of the whole block
    uint64_t message_page;     // address of the first thread's message page
    uint64_t clock_page;       // address of struct clock_page, 0 if it is not mapped
    uint64_t image_base;       // where the program's image was loaded
    uint64_t image_length;     // bytes from there that may be unmapped together
    uint32_t free_slot;        // this slot and all above are empty
    uint32_t is_restart;       // 1: a new actor for a role that had one before: claim what the table holds
    uint32_t capability_count; // struct startup_capability
    uint32_t capability_offset;
    uint32_t argument_count; // uint32_t offsets of strings; the first is the program's name
    uint32_t argument_offset;
    uint32_t environment_count; // uint32_t offsets of NAME=VALUE strings
    uint32_t environment_offset;
};

// The slot of a capability by its name, 0 if it was not given.
static inline cap_t startup_slot(const struct startup *startup, const char *name) {
    const char *block = (const char *)startup;
    const struct startup_capability *table =
        (const struct startup_capability *)(const void *)(block + startup->capability_offset);
    for (uint32_t i = 0; i < startup->capability_count; i++) {
        size_t at = 0;
        while (at < STARTUP_NAME_BYTES && table[i].name[at] == name[at] && name[at])
            at++;
        if (at < STARTUP_NAME_BYTES && table[i].name[at] == 0 && name[at] == 0)
            return table[i].slot;
    }
    return 0;
}

static inline const char *startup_argument(const struct startup *startup, uint32_t index) {
    const char *block = (const char *)startup;
    const uint32_t *offsets = (const uint32_t *)(const void *)(block + startup->argument_offset);
    return index < startup->argument_count ? block + offsets[index] : NULL;
}
=======
    uint32_t length;               // of all of it
    uint64_t message_page;         // address of the first thread's struct message_page
    uint64_t clock_page;           // address of struct clock_page; 0: not mapped
    uint64_t heap_bytes;           // most that the program may ask for; 0: as much as its account allows
    uint64_t image_base;           // where the program was loaded
    uint64_t image_length;         // bytes from there that it takes
    uint64_t random[2];            // for stack canaries and hash seeds
    char name[STARTUP_NAME_BYTES]; // of the role or program
    uint32_t is_restart;           // 1: a new actor of a role that had one; its table holds what that one had
    uint32_t capability_count;
    uint32_t capability_offset; // of struct startup_capability[]
    uint32_t argument_count;    // strings, each ended by NUL: first the arguments, the program's name among them,
    uint32_t environment_count; // then the environment
    uint32_t strings_offset;
    uint32_t strings_length;
    uint32_t reserved;
};
_Static_assert(sizeof(struct startup_capability) == 40, "packed without holes");
_Static_assert(sizeof(struct startup) == 136, "packed without holes");
>>>>>>> main

// The badge of a session that the manifest hands out: made from the name that its entry gives (by default the client role's
// name), with the top bit set, so that it never looks like a badge of a session table.
static inline uint64_t startup_badge(const char *name) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    return hash | UINT64_C(1) << 63;
}
