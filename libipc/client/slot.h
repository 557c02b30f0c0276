// The slots of this process's capability table that nobody uses yet. Every capability that arrives lies in a
// slot taken from here; releasing deletes the capability and gives the slot back. One process has one
// allocator; single-threaded.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

// A free slot, taken; ERR_TOO_MANY_FILES if the table is full.
MUST_USE error_t slot_take(cap_t *slot);

// Marks a slot as taken, because the process started with something in it.
void slot_reserve(cap_t slot);

// Gives a slot back that is empty already: never filled, or moved away.
void slot_give_back(cap_t slot);

// A server's loop deletes a capability only when the state that follows from it is committed. True: it sees
// to the slot. NULL in a plain program.
extern bool (*slot_release_later)(cap_t slot);
void slot_release_now(cap_t slot);
// The same for slot_give_back.
extern bool (*slot_give_back_later)(cap_t slot);
void slot_give_back_now(cap_t slot);

// Where a server's loop has a slot that is taken and empty, the first to be given (0: it has none). NULL in a plain program.
extern cap_t *slot_spare;

// Whether a slot is taken.
bool slot_is_taken(cap_t slot);

// Deletes the capability in `slot` and gives the slot back. 0 is ignored.
void slot_release(cap_t slot);

// A second capability to the same object, in a slot of its own. `rights`: those that the copy keeps, 0 for
// all.
MUST_USE error_t slot_duplicate(cap_t from, uint64_t rights, cap_t *copy);

// Slots that are taken now; for tests that look for leaks.
uint32_t slot_count(void);
