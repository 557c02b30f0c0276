// What a process finds at its start: one read-only run of pages, whose address is the first argument of its first thread.
// Filled by whoever starts it (init, or a parent process), read through libipc/start/start.h. All offsets are in bytes from
// the beginning, all tables lie inside `length`. Fixed slots (kernel/abi/capability.h: self, thread, account, kernel, clock)
// are filled in every process and are not listed.
#pragma once

#include <stdint.h>

#include "kernel/abi/message.h"

#define STARTUP_MAGIC UINT64_C(0x70757472617453) // "Startup"
enum { STARTUP_VERSION = 1, STARTUP_NAME_BYTES = 32, STARTUP_FIRST_FREE_SLOT = 10 };

// Whether the role had an actor before: with RESTART_TABLE the new one finds that one's capability table, with RESTART_MEMORY its
// memory as well (libipc/kept/undo.h). One that finds the memory not to be whole exits with STARTUP_REFUSED and is started
// without it.
enum startup_restart { RESTART_NONE = 0, RESTART_TABLE = 1, RESTART_MEMORY = 2 };
enum { STARTUP_REFUSED = 0x6b657074 };
// Exit statuses of an actor that was told to hand over (libipc/server/handover.h), in the lower half: it has, into the memory
// object in the slot that the upper half names; it can't, and the role goes on with the memory as it is; and of the next one: it
// could not take. That one is given the memory object as the capability "handover".
enum { STARTUP_HANDED_OVER = 0x68616e64, STARTUP_KEEPS_ROLE = 0x68616e65, STARTUP_NOT_TAKEN = 0x68616e66 };
enum startup_flag {
    STARTUP_KEEP = 1,
    STARTUP_LOG_SHIFT = 8
}; // its memory is to be kept; from bit 8 on: KiB of undo log, 0: as usual

// A capability that the program was handed, by name: "block", "root", "log".
struct startup_capability {
    char name[STARTUP_NAME_BYTES]; // NUL-padded; the last byte is NUL
    uint32_t slot;
    uint32_t value; // descriptors: their flags
};

struct startup {
    uint64_t magic;
    uint32_t version;
    uint32_t length;               // of all of it
    uint64_t message_page;         // address of the first thread's struct message_page
    uint64_t clock_page;           // address of struct clock_page; 0: not mapped
    uint64_t heap_bytes;           // most that the program may ask for; 0: as much as its account allows
    uint64_t image_base;           // where the program was loaded
    uint64_t image_length;         // bytes from there that it takes
    uint64_t random[2];            // for stack canaries and hash seeds
    char name[STARTUP_NAME_BYTES]; // of the role or program
    uint32_t is_restart;           // enum startup_restart
    uint32_t capability_count;
    uint32_t capability_offset; // of struct startup_capability[]
    uint32_t argument_count;    // strings, each ended by NUL: first the arguments, the program's name among them,
    uint32_t environment_count; // then the environment
    uint32_t strings_offset;
    uint32_t strings_length;
    uint32_t flags; // enum startup_flag
};
_Static_assert(sizeof(struct startup_capability) == 40, "packed without holes");
_Static_assert(sizeof(struct startup) == 136, "packed without holes");

// The badge of a session that the manifest hands out: made from the name that its entry gives (by default the client role's
// name), with the top bit set, so that it never looks like a badge of a session table.
static inline uint64_t startup_badge(const char *name) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    return hash | UINT64_C(1) << 63;
}
