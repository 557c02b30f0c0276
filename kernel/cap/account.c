// Charging and refunding; see account.h.
#include "kernel/cap/account.h"

#include "kernel/debug/panic.h"
#include "kernel/memory/frame.h"

bool account_budgets;

error_t account_charge(struct account *account, uint64_t bytes) {
    for (struct account *each = account; each; each = each->parent) {
        if (each->quota - each->used < bytes) {
            for (struct account *undo = account; undo != each; undo = undo->parent)
                undo->used -= bytes;
            return ERR_QUOTA;
        }
        each->used += bytes;
    }
    for (; account; account = account->parent)
        if (account->used > account->peak)
            account->peak = account->used;
    return ERR_OK;
}

void account_refund(struct account *account, uint64_t bytes) {
    for (; account; account = account->parent) {
        if (account->used < bytes)
            panic("an account is refunded more than it was charged");
        account->used -= bytes;
    }
}

error_t account_take_frame(struct account *account, uint64_t *physical) {
    error_t error = account_charge(account, PAGE_BYTES);
    if (error)
        return error;
    error = frame_allocate_zeroed(physical);
    if (error)
        account_refund(account, PAGE_BYTES);
    return error;
}

void account_give_frame(struct account *account, uint64_t physical) {
    frame_release(physical);
    account_refund(account, PAGE_BYTES);
}

void account_spend(struct account *account, uint64_t time, uint64_t now) {
    for (; account; account = account->parent) {
        if (!account->budget)
            continue;
        if (now - account->period_start >= account->period) {
            account->period_start = now - (now - account->period_start) % account->period;
            account->spent = 0;
        }
        account->spent += time;
    }
}

uint64_t account_time_left(const struct account *account, uint64_t now, uint64_t *refilled) {
    uint64_t least = UINT64_MAX;
    for (; account; account = account->parent) {
        if (!account->budget)
            continue;
        bool over = now - account->period_start >= account->period;
        uint64_t left = over ? account->budget : account->spent < account->budget ? account->budget - account->spent : 0;
        if (left == 0)
            *refilled = account->period_start + account->period;
        least = left < least ? left : least;
    }
    return least;
}

error_t account_create(struct account *parent, uint64_t quota, uint8_t ceiling, struct account **out) {
    struct account *account;
    error_t error = object_create(CAP_ACCOUNT, sizeof(*account), parent, &account);
    if (error)
        return error;
    account->parent = parent; // kept alive by object.account
    account->quota = quota;
    account->priority_ceiling = ceiling;
    *out = account;
    return ERR_OK;
}
