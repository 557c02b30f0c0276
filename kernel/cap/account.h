// Who pays: a quota in bytes, a ceiling of priority. Accounts nest; a charge is made to the account and all above it,
// so the root's quota (what the machine has) is never exceeded. Invariant: used <= quota everywhere.
#pragma once

#include "kernel/cap/object.h"

struct account {
    struct object object;
    struct account *parent; // referenced; NULL for the root
    uint64_t quota, used, peak; // bytes
    uint8_t priority_ceiling;
};

// Takes `bytes` from the account and every one above it, or from none. ERR_QUOTA. account may be NULL: the kernel's own.
error_t account_charge(struct account *account, uint64_t bytes) MUST_USE;
void account_refund(struct account *account, uint64_t bytes);
error_t account_create(struct account *parent, uint64_t quota, uint8_t ceiling, struct account **out) MUST_USE;
