// See admission.h: what changes of it. What is only looked at is in admission_known.c.
#include "servers/net/stack/admission.h"

#include "servers/net/stack/stack.h"

// The part of each class in the time is one in so many.
static const uint64_t shares[ADMISSION_LIMITED] = {[ADMISSION_STRANGER] = 16, [ADMISSION_CALL] = 4};
#define BURST INT64_C(20000000)
#define MOST  INT64_C(500000) // for one frame: the machine may have stood still meanwhile

void admission_remember(struct stack *stack, const struct address *peer) {
    struct address *entry = &stack->admission.peers[admission_place(stack, peer)];
    if (!address_equal(entry, peer))
        *entry = *peer;
}

bool admission_has_credit(struct stack *stack, enum admission_class class) {
    struct allowance *allowance = &stack->admission.allowances[class];
    uint64_t gained = (stack->now - allowance->credit_at) / shares[class];
    if (allowance->credit_at == 0 || gained >= (uint64_t)(BURST - allowance->credit)) {
        allowance->credit = BURST;
        allowance->credit_at = stack->now;
    } else if (gained != 0) {
        allowance->credit += (int64_t)gained;
        allowance->credit_at += gained * shares[class];
    }
    return allowance->credit > 0;
}

void admission_spend(struct stack *stack, enum admission_class class, uint64_t nanoseconds) {
    stack->admission.allowances[class].credit -= nanoseconds < MOST ? (int64_t)nanoseconds : MOST;
}
