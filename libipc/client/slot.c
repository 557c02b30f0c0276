// A bitmap over the whole table. It is zero memory, so pages of it that no slot needs cost nothing; the
// search starts at the lowest word that may have room, so slots stay small and the kernel's table short.
#include "libipc/client/slot.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/process.h"

enum { WORDS = CAP_TABLE_SLOTS / 64, FIRST_SLOT = BOOT_SLOT_FIRST_FREE };

static struct {                 // beside the count the slots that are taken most
    uint32_t count, first_word; // no word before it has room
    uint64_t words[WORDS];
} taken __attribute__((aligned(64)));

static void reserve_fixed_slots(void) {
    if ((taken.words[0] & 1) == 0)
        taken.words[0] |= (UINT64_C(1) << FIRST_SLOT) - 1;
}

cap_t *slot_spare;

// The loop's, and hot.
KEPT_UNNOTED static cap_t take_spare(void) {
    cap_t slot = *slot_spare;
    *slot_spare = 0;
    return slot;
}

error_t slot_take(cap_t *slot) {
    if (slot_spare != NULL && *slot_spare != 0) {
        *slot = take_spare();
        return ERR_OK;
    }
    reserve_fixed_slots();
    uint32_t word = taken.first_word;
    while (taken.words[word] == UINT64_MAX)
        if (++word == WORDS)
            return ERR_TOO_MANY_FILES;
    uint32_t bit = (uint32_t)__builtin_ctzll(~taken.words[word]);
    taken.words[word] |= UINT64_C(1) << bit;
    taken.first_word = word;
    taken.count++;
    *slot = word * 64 + bit;
    return ERR_OK;
}

void slot_reserve(cap_t slot) {
    reserve_fixed_slots();
    if (slot >= CAP_TABLE_SLOTS || (taken.words[slot / 64] >> slot % 64 & 1) != 0)
        return;
    taken.words[slot / 64] |= UINT64_C(1) << slot % 64;
    taken.count++;
}

bool (*slot_give_back_later)(cap_t slot);

void slot_give_back(cap_t slot) {
    if (slot_give_back_later == NULL || slot == 0 || !slot_give_back_later(slot))
        slot_give_back_now(slot);
}

void slot_give_back_now(cap_t slot) {
    if (slot < FIRST_SLOT || slot >= CAP_TABLE_SLOTS || (taken.words[slot / 64] >> slot % 64 & 1) == 0)
        return;
    taken.words[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    taken.count--;
    if (slot / 64 < taken.first_word)
        taken.first_word = slot / 64;
}

bool (*slot_release_later)(cap_t slot);

bool slot_is_taken(cap_t slot) {
    return slot < FIRST_SLOT || (slot < CAP_TABLE_SLOTS && (taken.words[slot / 64] >> slot % 64 & 1) != 0);
}

void slot_release(cap_t slot) {
    if (slot != 0 && (slot_release_later == NULL || !slot_release_later(slot)))
        slot_release_now(slot);
}

void slot_release_now(cap_t slot) {
    error_t ignored = process_slot_delete(SLOT_SELF, slot); // an empty slot is as good as a deleted one
    (void)ignored;
    slot_give_back_now(slot);
}

error_t slot_duplicate(cap_t from, uint64_t rights, cap_t *copy) {
    cap_t slot;
    error_t error = slot_take(&slot);
    if (error != ERR_OK)
        return error;
    error = process_slot_copy(SLOT_SELF, from, slot, rights != 0 ? rights : RIGHTS_ALL);
    if (error != ERR_OK) {
        slot_give_back(slot);
        return error;
    }
    *copy = slot;
    return ERR_OK;
}

uint32_t slot_count(void) {
    return taken.count;
}
