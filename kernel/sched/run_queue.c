// The run queues; see schedule.h.
#include "kernel/sched/schedule.h"

#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/switch.h"

enum { STEAL_LOOKS = 8 }; // threads of one queue that a thief looks at

struct cpu *cpus[CPUS_MAX];
uint32_t cpu_count;

void cpu_register(struct cpu *cpu) {
    for (int i = 0; i < PRIORITIES; i++)
        list_initialize(&cpu->queue.threads[i]);
    cpu->armed = UINT64_MAX;
    cpu->index = cpu_count;
    cpus[cpu_count++] = cpu;
}

static bool may_run(const struct thread *thread, const struct cpu *cpu) {
    return thread_is_allowed(thread, cpu) && (!thread->fpu_cpu || thread->fpu_cpu == cpu);
}

static struct cpu *choose_cpu(const struct thread *thread) {
    struct cpu *self = cpu_self(), *allowed = NULL;
    if (may_run(thread, self))
        return self;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (!may_run(thread, cpus[i]))
            continue;
        if (!cpus[i]->current && !cpus[i]->queue.occupied)
            return cpus[i];
        allowed = allowed ? allowed : cpus[i];
    }
    return allowed ? allowed : thread->fpu_cpu; // its state is where it may not run: that one sends it on
}

static void add(struct cpu *cpu, struct thread *thread, bool front) {
    struct run_queue *queue = &cpu->queue;
    struct list *peers = &queue->threads[thread->effective];
    if (front)
        list_push_front(peers, &thread->queue_link);
    else
        list_push_back(peers, &thread->queue_link);
    queue->occupied |= UINT64_C(1) << thread->effective;
    if (thread->effective > queue->top)
        queue->top = thread->effective;
    thread->in_queue = true;
    thread->cpu = cpu;
}

void run_queue_push(struct thread *thread, bool front) {
    struct cpu *cpu = choose_cpu(thread);
    add(cpu, thread, front);
    if (cpu != cpu_self() && (!cpu->current || cpu->current->effective <= thread->effective)) // an equal: its turn must end
        switch_kick(cpu);
}

void run_queue_remove(struct thread *thread) {
    struct run_queue *queue = &thread->cpu->queue;
    list_remove(&thread->queue_link);
    if (list_is_empty(&queue->threads[thread->effective])) {
        queue->occupied &= ~(UINT64_C(1) << thread->effective);
        queue->top = queue->occupied ? (uint8_t)(63 - __builtin_clzll(queue->occupied)) : 0;
    }
    thread->in_queue = false;
}

struct thread *run_queue_first(void) {
    struct run_queue *queue = &cpu_self()->queue;
    return queue->occupied ? CONTAINER_OF(list_first(&queue->threads[queue->top]), struct thread, queue_link) : NULL;
}

bool run_queue_has_peer(const struct thread *thread) {
    return !list_is_empty(&cpu_self()->queue.threads[thread->effective]);
}

static struct thread *find_loot(struct cpu *victim) {
    struct list *peers = &victim->queue.threads[victim->queue.top], *link = peers->next;
    for (int i = 0; i < STEAL_LOOKS && link != peers; i++, link = link->next) {
        struct thread *thread = CONTAINER_OF(link, struct thread, queue_link);
        if (may_run(thread, cpu_self()))
            return thread;
    }
    return NULL;
}

bool run_queue_steal(void) {
    struct thread *best = NULL;
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct thread *loot = cpus[i] != cpu_self() && cpus[i]->queue.occupied ? find_loot(cpus[i]) : NULL;
        if (loot && (!best || loot->effective > best->effective))
            best = loot;
    }
    if (!best)
        return false;
    run_queue_remove(best);
    add(cpu_self(), best, false);
    return true;
}
