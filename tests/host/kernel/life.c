// See life.h.
#include "tests/host/kernel/life.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/cap/account.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/heap.h"
#include "kernel/sched/process.h"
#include "tests/host/kernel/invariants.h"
#include "tests/host/kernel/machine.h"

void life_must(error_t error, const char *what) {
    if (!error)
        return;
    fprintf(stderr, "the world can't begin: %s gave %d\n", what, error);
    abort();
}

struct capability *life_give(struct process *process, struct account *account, cap_t index, enum capability_kind kind,
                             void *object) {
    struct capability *slot;
    life_must(capability_reserve(&process->table, account, index, &slot), "a slot");
    capability_fill(slot, kind, object, RIGHTS_ALL, NULL);
    if (kind == CAP_IOPORT)
        slot->data = 0xffff0000;
    return slot;
}

void life_end(struct account *root, struct process *held) {
    static uint64_t free_before;
    struct process *process;
    if (held)
        object_release(&held->object);
    while ((process = process_next(0)))
        process_destroy(process);
    (void)reaper_run(UINT32_MAX);
    invariants_check(root, NULL);
    object_release(&root->object);
    (void)reaper_run(UINT32_MAX);
    if (machine_object_count) {
        const struct object *object = machine_objects[0];
        fprintf(stderr, "%u objects are left, one of kind %u with %u references\n", machine_object_count, object->kind,
                object->references);
        abort();
    }
    uint64_t free_now = frame_free_bytes() + (machine_kernel_tables() << PAGE_SHIFT);
    if (free_before && free_now != free_before) {
        fprintf(stderr, "%llu bytes were free before, %llu are now\n", (unsigned long long)free_before,
                (unsigned long long)free_now);
        abort();
    }
    free_before = free_now;
}
