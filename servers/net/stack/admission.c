// See admission.h: what changes of it. What is only looked at is in admission_known.c.
#include "servers/net/stack/admission.h"

#include "servers/net/stack/stack.h"

void admission_remember(struct stack *stack, const struct address *peer) {
    struct address *entry = &stack->admission.peers[admission_place(stack, peer)];
    if (!address_equal(entry, peer))
        *entry = *peer;
}

void admission_spend(struct stack *stack, enum admission_class class, uint32_t count) {
    struct allowance *allowance = &stack->admission.allowances[class];
    uint32_t credit = admission_credit(stack, class);
    allowance->credit_at = stack->now - admission_unused_time(stack, class);
    allowance->credit = credit - smaller(count, credit);
}

void admission_call_completed(struct stack *stack) {
    struct allowance *allowance = &stack->admission.allowances[ADMISSION_CALL];
    if (allowance->credit < ADMISSION_CALLS)
        allowance->credit++;
}
