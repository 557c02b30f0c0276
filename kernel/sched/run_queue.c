// The run queue; see run_queue.h.
#include "kernel/sched/run_queue.h"

static struct list queues[PRIORITIES];
static uint64_t occupied;
uint8_t run_queue_top;

static void update_top(void) {
    run_queue_top = occupied ? (uint8_t)(63 - __builtin_clzll(occupied)) : 0;
}

void run_queue_initialize(void) {
    for (int i = 0; i < PRIORITIES; i++)
        list_initialize(&queues[i]);
}

void run_queue_push(struct thread *thread, bool front) {
    struct list *queue = &queues[thread->effective];
    if (front)
        list_push_front(queue, &thread->queue_link);
    else
        list_push_back(queue, &thread->queue_link);
    occupied |= UINT64_C(1) << thread->effective;
    update_top();
    thread->in_queue = true;
}

void run_queue_remove(struct thread *thread) {
    list_remove(&thread->queue_link);
    if (list_is_empty(&queues[thread->effective]))
        occupied &= ~(UINT64_C(1) << thread->effective);
    update_top();
    thread->in_queue = false;
}

struct thread *run_queue_first(void) {
    if (!occupied)
        return NULL;
    struct list *queue = &queues[run_queue_top];
    return CONTAINER_OF(list_first(queue), struct thread, queue_link);
}

bool run_queue_has_peer(const struct thread *thread) {
    return !list_is_empty(&queues[thread->effective]);
}
