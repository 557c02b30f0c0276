// See admission.h: what changes of it. What is only looked at is in admission_known.c.
#include "servers/net/stack/admission.h"

#include "servers/net/stack/stack.h"

enum { SHARE = 16 }; // the part of strangers in the time is one in so many
#define BURST INT64_C(20000000)
#define MOST  INT64_C(500000) // for one frame: the machine may have stood still meanwhile

void admission_remember(struct stack *stack, const struct address *peer) {
    struct address *entry = &stack->admission.peers[admission_place(stack, peer)];
    if (!address_equal(entry, peer))
        *entry = *peer;
}

bool admission_has_credit(struct stack *stack) {
    struct admission *admission = &stack->admission;
    uint64_t gained = (stack->now - admission->credit_at) / SHARE;
    if (admission->credit_at == 0 || gained >= (uint64_t)(BURST - admission->credit)) {
        admission->credit = BURST;
        admission->credit_at = stack->now;
    } else if (gained != 0) {
        admission->credit += (int64_t)gained;
        admission->credit_at += gained * SHARE;
    }
    return admission->credit > 0;
}

void admission_spend(struct stack *stack, uint64_t nanoseconds) {
    stack->admission.credit -= nanoseconds < MOST ? (int64_t)nanoseconds : MOST;
}
