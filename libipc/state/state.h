// State memory: records that outlive the actor that wrote them. A record has a class, a version of its
// layout, a key and up to a fixed capacity of bytes; it changes whole or not at all, wherever its writer is
// stopped. Its memory object belongs to the role; each actor maps it, opens it, and checks what it finds
// before trusting it.
//
// Layout: a head, then frames one after the other. A frame has two copies of its record and a selector, whose
// single store is the commit. Checksums tell a copy that was never finished, or was damaged, from a good one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

struct state {
    unsigned char *memory;
    uint64_t length;
    uint64_t end;     // offset behind the last frame
    uint32_t damaged; // records that open had to drop or take from their older copy
    uint32_t records; // in use
    uint32_t free;    // frames that hold none
};

// A record as it is now. `data` points into state memory and stays until the record is committed again or
// removed.
struct state_view {
    uint32_t record; // handle: stays the same over restarts
    uint32_t class;
    uint32_t version;
    uint32_t length; // bytes
    uint64_t key;
    const void *data;
};

enum { STATE_RECORD_MAX = 1 << 20, STATE_ALIGNMENT = 64 };

// Opens state memory, mapped readable and writable at a 64-byte boundary; zeroed memory is made empty.
// `version`: of the server's use as a whole. ERR_CORRUPT: no state memory, or of another version or length:
// start cold with state_format.
MUST_USE error_t state_open(struct state *state, void *memory, uint64_t length, uint32_t version);

// Makes it empty, whatever it was.
MUST_USE error_t state_format(struct state *state, void *memory, uint64_t length, uint32_t version);

// A new record with room for `capacity` bytes, holding `length` bytes of `data`. `class` is not 0.
// ERR_NO_SPACE.
MUST_USE error_t state_create(struct state *state, uint32_t class, uint32_t version, uint64_t key, uint32_t capacity,
                              const void *data, uint32_t length, uint32_t *record);

// Replaces its contents: after a crash at any moment it is the old or the new. ERR_TOO_BIG: beyond its
// capacity.
MUST_USE error_t state_commit(struct state *state, uint32_t record, uint32_t version, const void *data, uint32_t length);

// Its room serves later records of at most its capacity.
MUST_USE error_t state_remove(struct state *state, uint32_t record);

// ERR_NOT_FOUND: no such record.
MUST_USE error_t state_read(const struct state *state, uint32_t record, struct state_view *view);

// The next record of `class` (0: of any) after handle `after` (0: the first).
MUST_USE error_t state_next(const struct state *state, uint32_t class, uint32_t after, struct state_view *view);

// Removes all records of a class: what is done when they crash actor after actor. Returns how many.
uint32_t state_drop_class(struct state *state, uint32_t class);
