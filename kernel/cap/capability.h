// Capability slots, the flat tables that hold them, and the tree of who was derived from whom.
//
// All tables lie in one reserved virtual range, 2 MiB (65,536 slots) apart, so that a slot has a 32-bit global number and
// a derivation link is 4 bytes. A slot's children form a list; the first child's `previous` and the last child's `next`
// are the parent, which costs nothing to keep: insertion, deletion (children move up to the parent's list) and moving a
// slot are all O(1), whatever the number of children.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/capability.h"
#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "kernel/cap/object.h"

enum capability_flag { CAPABILITY_REVOKING = 1 };

struct capability {
    void *object; // struct object, except CAP_REPLY: struct request; ioport and irq control: NULL
    uint8_t kind; // CAP_NONE: the slot is empty
    uint8_t flags;
    uint16_t rights;
    uint32_t data;                        // ioport: first port, count - 1 in the upper half
    uint32_t previous, next, first, last; // derivation, global slot numbers; 0 is none
};

_Static_assert(sizeof(struct capability) == 32, "slots are 32 bytes");

struct process;

// The tables' home: kernel/x86_64 gives the address range, tests on the host an array.
extern struct capability *capability_region;

struct capability_table {
    struct capability *slots; // in the region
    uint32_t size;            // slots that have memory, a multiple of 128
    uint32_t index;           // which table of the region; 0: it was destroyed
};

error_t capability_table_create(struct capability_table *table) MUST_USE;
// Empties up to `budget` slots and frees the memory with the last one; true when all is gone.
bool capability_table_destroy_step(struct capability_table *table, struct account *account, uint32_t budget);

// The slot, which may be empty, or NULL if the index has no memory.
static inline struct capability *capability_slot(const struct capability_table *table, uint64_t index) {
    return index < table->size ? &table->slots[index] : NULL;
}

// An empty slot at `index`, growing the table (by at most 16 pages) at the account's cost.
// ERR_SLOT_IN_USE, ERR_INVALID, ERR_QUOTA, ERR_NO_MEMORY, ERR_DYING.
error_t capability_reserve(struct capability_table *table, struct account *account, uint64_t index,
                           struct capability **slot) MUST_USE;

// Fills an empty slot with a new capability derived from `parent` (NULL: a root).
void capability_fill(struct capability *slot, enum capability_kind kind, void *object, uint16_t rights,
                     struct capability *parent);
// Copies with at most `rights` into an empty slot. ERR_BAD_CAPABILITY, ERR_RIGHTS, ERR_REVOKED.
error_t capability_copy(struct capability *from, struct capability *to, uint16_t rights) MUST_USE;
void capability_move(struct capability *from, struct capability *to);
void capability_delete(struct capability *slot);
// Deletes up to `budget` descendants; true when none is left. The slot is marked at the first step: nothing more can
// be derived from it until the last.
bool capability_revoke_step(struct capability *slot, uint32_t budget);
// Goes on with a revocation that its caller did not live to finish, if it is not over: the slot by its global number.
bool capability_revoke_rest(uint32_t number, uint32_t budget);

static inline uint32_t capability_number(const struct capability *slot) {
    return slot ? (uint32_t)(slot - capability_region) : 0;
}
// The table that a slot lies in.
static inline uint32_t capability_table_index(const struct capability *slot) {
    return capability_number(slot) / CAP_TABLE_SLOTS;
}
