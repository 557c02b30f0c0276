// Slots and the derivation tree; see capability.h for the shape of the links.
#include "kernel/cap/capability.h"

#include "kernel/ipc/request.h"
#include "kernel/sched/process.h"
#include "kernel/x86_64/paging.h"

struct capability *capability_region;

static struct capability *numbered(uint32_t number) {
    return number ? &capability_region[number] : NULL;
}

static void tree_link_child(struct capability *slot, struct capability *parent) {
    uint32_t me = capability_number(slot), above = capability_number(parent);
    slot->previous = above;
    slot->next = parent->first ? parent->first : above;
    if (parent->first)
        numbered(parent->first)->previous = me;
    else
        parent->last = me;
    parent->first = me;
}

// Makes the neighbours of `slot` (siblings or parent) point to first..last instead; 0, 0 closes the gap.
static void tree_replace(struct capability *slot, uint32_t first, uint32_t last) {
    uint32_t me = capability_number(slot);
    struct capability *previous = numbered(slot->previous), *next = numbered(slot->next);
    if (previous) {
        uint32_t follower = first ? first : slot->next;
        if (previous->first == me)
            previous->first = previous == next && !first ? 0 : follower;
        else
            previous->next = follower;
    }
    if (next) {
        uint32_t leader = last ? last : slot->previous;
        if (next->last == me)
            next->last = next == previous && !last ? 0 : leader;
        else
            next->previous = leader;
    }
    if (first) {
        numbered(first)->previous = slot->previous;
        numbered(last)->next = slot->next;
    }
}

// A process's capability to itself in its own table is counted apart.
static void count_own(const struct capability *slot, int32_t change) {
    struct process *process = slot->object;
    if (slot->kind == CAP_PROCESS && process->table.index == capability_table_index(slot))
        process_count_own(process, change);
}

void capability_fill(struct capability *slot, enum capability_kind kind, void *object, uint16_t rights,
                     struct capability *parent) {
    *slot = (struct capability){.object = object, .kind = (uint8_t)kind, .rights = rights};
    if (parent)
        tree_link_child(slot, parent);
    if (object && kind != CAP_REPLY)
        object_add_capability(object);
    count_own(slot, 1);
}

error_t capability_copy(struct capability *from, struct capability *to, uint16_t rights) {
    if (from->kind == CAP_NONE || from->kind == CAP_REPLY)
        return ERR_BAD_CAPABILITY;
    if (!(from->rights & RIGHT_COPY))
        return ERR_RIGHTS;
    if (from->flags & CAPABILITY_REVOKING)
        return ERR_REVOKED;
    capability_fill(to, from->kind, from->object, from->rights & rights, from);
    to->data = from->data;
    return ERR_OK;
}

void capability_move(struct capability *from, struct capability *to) {
    uint32_t me = capability_number(to);
    struct capability *first = numbered(from->first), *last = numbered(from->last);
    count_own(from, -1);
    *to = *from;
    count_own(to, 1);
    tree_replace(from, me, me);
    to->previous = from->previous;
    to->next = from->next;
    if (first)
        first->previous = me;
    if (last)
        last->next = me;
    if (to->kind == CAP_REPLY)
        ((struct request *)to->object)->slot = to;
    *from = (struct capability){0};
}

void capability_delete(struct capability *slot) {
    if (slot->kind == CAP_NONE)
        return;
    tree_replace(slot, slot->first, slot->last);
    count_own(slot, -1);
    void *object = slot->object;
    uint8_t kind = slot->kind;
    *slot = (struct capability){0};
    if (kind == CAP_REPLY)
        request_abandon(object);
    else if (object)
        object_remove_capability(object);
}

bool capability_revoke_step(struct capability *slot, uint32_t budget) {
    slot->flags |= CAPABILITY_REVOKING;
    while (slot->first) {
        if (budget-- == 0)
            return false;
        capability_delete(numbered(slot->first));
    }
    slot->flags &= (uint8_t)~CAPABILITY_REVOKING;
    return true;
}

bool capability_revoke_rest(uint32_t number, uint32_t budget) {
    struct capability *slot = numbered(number);
    if (!slot || !kernel_page_is_mapped((uint64_t)slot) || !(slot->flags & CAPABILITY_REVOKING))
        return true;
    return capability_revoke_step(slot, budget);
}
