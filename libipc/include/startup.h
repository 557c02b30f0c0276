// What a program finds at its start: one read-only run of pages, whose address is the first argument of its
// first thread. Filled by whoever starts it (init, or a parent process), read through libipc/start/start.h.
// All offsets are in bytes from the beginning, all tables lie inside `length`.
#pragma once

#include <stdint.h>

#define STARTUP_MAGIC UINT64_C(0x70757472617453) // "Startup"
enum { STARTUP_VERSION = 1, STARTUP_NAME_BYTES = 32 };

// A capability that the program was handed, by name: "block", "root", "log".
struct startup_capability {
    char name[STARTUP_NAME_BYTES]; // NUL-padded; the last byte is NUL
    uint32_t slot;
    uint32_t kind; // enum capability_kind
};

struct startup {
    uint64_t magic;
    uint32_t version;
    uint32_t length;               // of all of it
    uint64_t message_page;         // address of the first thread's struct message_page
    uint64_t clock_page;           // address of struct clock_page; 0: not mapped
    uint64_t heap_bytes;           // most that the program may ask for; 0: as much as its account allows
    uint64_t image_base;           // where the program was loaded
    uint64_t random[2];            // for stack canaries and hash seeds
    char name[STARTUP_NAME_BYTES]; // of the role or program
    uint32_t capability_count;
    uint32_t capability_offset; // of struct startup_capability[]
    uint32_t
        argument_count; // strings, each ended by NUL: first the arguments, the program's name among them,
    uint32_t environment_count; // then the environment
    uint32_t strings_offset;
    uint32_t strings_length;
};
_Static_assert(sizeof(struct startup_capability) == 40, "packed without holes");
_Static_assert(sizeof(struct startup) == 120, "packed without holes");
