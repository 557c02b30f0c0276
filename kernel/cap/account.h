// Who pays: a quota in bytes, a ceiling of priority, a budget of time. Accounts nest; a charge is made to the account and all
// above it, so the root's quota (what the machine has) is never exceeded. Invariant: used <= quota everywhere.
#pragma once

#include "kernel/cap/object.h"
#include "kernel/memory/heap.h"

struct account {
    struct object object;
    struct account *parent;     // referenced; NULL for the root
    uint64_t quota, used, peak; // bytes
    uint8_t priority_ceiling;
    uint64_t budget, period; // nanoseconds of a processor; 0: no limit
    uint64_t period_start, spent;
    struct list slabs[HEAP_CLASSES]; // of heap.c: those with a free object
};

// Takes `bytes` from the account and every one above it, or from none. ERR_QUOTA. account may be NULL: the kernel's own.
error_t account_charge(struct account *account, uint64_t bytes) MUST_USE;
void account_refund(struct account *account, uint64_t bytes);
// A zeroed page at the account's cost, and back. ERR_QUOTA, ERR_NO_MEMORY.
error_t account_take_frame(struct account *account, uint64_t *physical) MUST_USE;
void account_give_frame(struct account *account, uint64_t physical);
extern bool account_budgets; // some account has or had a budget

// Time of a processor up to `now`, spent on the account and those above it.
void account_spend(struct account *account, uint64_t time, uint64_t now);
// What is left to spend at once, UINT64_MAX without a limit. 0: nothing before *refilled.
uint64_t account_time_left(const struct account *account, uint64_t now, uint64_t *refilled);
error_t account_create(struct account *parent, uint64_t quota, uint8_t ceiling, struct account **out) MUST_USE;
