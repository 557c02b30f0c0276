// Copying between a process and what a waiting caller lent it: once, straight between the two spaces, through the direct
// map. Zero and copy-on-write pages are settled on the way; a page that only a pager has ends the copy.
#pragma once

#include "kernel/ipc/request.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"

enum { COPY_STEP_BYTES = 65536 }; // the most that one call moves

// One side of a copy: a range of a space, or (space NULL) of a memory object.
struct copy_side {
    struct space *space;
    struct memory *memory;
    uint64_t address; // or offset
};

// Moves up to `length` bytes; *moved tells how many, whatever the result. ERR_FAULT, ERR_PAGE_MISSING, ERR_NO_MEMORY.
error_t copy_bytes(struct copy_side to, struct copy_side from, uint64_t length, uint64_t *moved) MUST_USE;

// The same between a side and `length` bytes of the kernel's own, all or an error.
error_t copy_kernel(struct copy_side side, bool to_side, void *bytes, uint64_t length) MUST_USE;

// The part [offset, offset + *length) of a lent buffer as a side; *length is cut to what was lent.
error_t copy_lent_side(const struct request *request, bool write, uint64_t offset, uint64_t *length,
                       struct copy_side *side) MUST_USE;
