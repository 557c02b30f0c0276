// The scheduler's decisions; see schedule.h. The timer is set only if someone waits for a time or for a turn (tickless).
#include "kernel/sched/schedule.h"

#include "kernel/sched/process.h"
#include "kernel/sched/run_queue.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/switch.h"

enum { REAP_STEPS = 64, SYSTEM_CALL_INSTRUCTION_BYTES = 2 };

uint64_t message_count, switch_count, interrupt_count;

// Time is charged where it was given: a server that runs by the fast path uses its caller's.
static void charge_time(struct cpu *cpu, uint64_t now) {
    uint64_t used = now - cpu->running_since;
    cpu->running_since = now;
    if (!cpu->current)
        return;
    cpu->current->cpu_time += used;
    cpu->current->process->cpu_time += used;
}

bool schedule_admit(struct thread *thread, bool by_call) {
    struct cpu *cpu = cpu_self();
    if (thread->state == THREAD_STATE_ENDED) {
        cpu->current = NULL;
        object_release(&thread->object); // what schedule_forget keeps for this
        return false;
    }
    if (!thread_is_held(thread))
        return true;
    if (by_call) {
        thread->registers.rip -= SYSTEM_CALL_INSTRUCTION_BYTES;
        thread->interrupted = true;
    }
    return false;
}

void schedule_forget(struct thread *thread) {
    struct cpu *cpu = thread->cpu;
    if (cpu && cpu->current == thread) {
        charge_time(cpu, clock_now());
        if (cpu != cpu_self()) { // its registers are still to be saved in it
            object_reference(&thread->object);
            switch_kick(cpu);
        } else {
            cpu->current = NULL;
        }
    }
    for (uint32_t i = 0; i < cpu_count; i++)
        if (cpus[i]->payer == thread)
            cpus[i]->payer = NULL;
    switch_forget(thread);
}

void schedule_review(struct thread *thread) {
    if (thread->cpu && thread->cpu != cpu_self() && thread->cpu->current == thread)
        switch_kick(thread->cpu);
}

void timer_add(struct thread *thread, uint64_t time) {
    timer_remove(thread);
    thread->timer_cpu = cpu_self();
    tree_insert(&thread->timer_cpu->timers, &thread->timer, time);
    thread->timer_cpu->timer_stale = true;
}

void timer_remove(struct thread *thread) {
    if (thread->timer_cpu)
        tree_remove(&thread->timer_cpu->timers, &thread->timer);
    thread->timer_cpu = NULL;
}

static void expire(struct cpu *cpu, uint64_t now) {
    struct tree_node *node;
    while ((node = tree_first(&cpu->timers)) && node->key <= now) {
        struct thread *thread = CONTAINER_OF(node, struct thread, timer);
        timer_remove(thread);
        if (thread->state == THREAD_STATE_WAITING) {
            thread->registers.rax = (uint64_t)ERR_DEADLINE;
            thread_wake(thread);
        } else if (thread->state == THREAD_STATE_CALLING && !request_cancel(&thread->request)) {
            timer_add(thread, now + UINT64_C(1000000000)); // the server's grace time
        }
    }
}

static void arm_timer(struct cpu *cpu, uint64_t now) {
    uint64_t next = UINT64_MAX;
    struct tree_node *node = tree_first(&cpu->timers);
    if (node)
        next = node->key;
    if (cpu->current && cpu->current->class == 0 && run_queue_has_peer(cpu->current) && cpu->slice_end < next)
        next = cpu->slice_end;
    cpu->timer_stale = false;
    if (cpu->armed <= next) // an alarm that comes too early costs less than setting another at every switch
        return;
    cpu->armed = next;
    switch_arm_timer(next, now);
}

void schedule_tick(void) {
    struct cpu *cpu = cpu_self();
    uint64_t now = clock_now();
    cpu->armed = UINT64_MAX; // it fired, perhaps early
    cpu->timer_stale = true;
    expire(cpu, now);
    if (now >= cpu->slice_end)
        cpu->slice_over = true;
}

void schedule_yield(void) {
    cpu_self()->slice_over = true;
}

// Sleeps until some thread can run; the time then.
static uint64_t idle(struct cpu *cpu, uint64_t now) {
    while (!run_queue_first() && !run_queue_steal()) {
        if (reaper_run(REAP_STEPS) && !run_queue_first()) {
            arm_timer(cpu, now);
            switch_idle();
        }
        now = clock_now();
        expire(cpu, now);
    }
    cpu->idle_time += now - cpu->running_since;
    cpu->running_since = now;
    return now;
}

// What is left of a turn waits with the thread: neither those that keep waking each other nor one that is interrupted from
// above can make a turn longer.
static void stop_slice(struct cpu *cpu, uint64_t now) {
    if (cpu->payer)
        cpu->payer->slice_left = cpu->slice_end > now ? cpu->slice_end - now : 0;
    cpu->payer = NULL;
}

// The thread that runs next, out of the queue. One that used its turn up before it blocked lets its peers go first; one that
// may not run here any more is sent on.
static struct thread *take_next(void) {
    struct thread *next = run_queue_first();
    run_queue_remove(next);
    if (next->slice_left)
        return next;
    next->slice_left = TIME_SLICE_NS;
    if (next->class == 1 || !run_queue_has_peer(next))
        return next;
    run_queue_push(next, false);
    next = run_queue_first();
    run_queue_remove(next);
    return next;
}

static bool is_allowed(const struct cpu *cpu, const struct thread *thread) {
    return thread->affinity >> cpu->index & 1;
}

// Others wait here while another processor has nothing to do.
static void share_work(const struct cpu *cpu) {
    if (cpu_count == 1 || !cpu->queue.occupied)
        return;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (!cpus[i]->current && cpus[i] != cpu && !cpus[i]->queue.occupied) {
            switch_kick(cpus[i]);
            return;
        }
    }
}

void schedule(void) {
    struct cpu *cpu = cpu_self();
    struct thread *current = cpu->current, *next = run_queue_first();
    bool runs_on = current && current->state == THREAD_STATE_READY && !thread_is_held(current);
    if (runs_on && (!next || next->effective < current->effective ||
                    (next->effective == current->effective && (!cpu->slice_over || current->class == 1))) &&
        is_allowed(cpu, current)) {
        if (cpu->timer_stale || (run_queue_has_peer(current) && cpu->armed > cpu->slice_end))
            arm_timer(cpu, clock_now());
        cpu->slice_over = false;
        switch_count += switch_to(current); // its extras may have changed
        share_work(cpu);
        return;
    }
    uint64_t now = clock_now();
    charge_time(cpu, now);
    stop_slice(cpu, now);
    cpu->current = NULL;
    if (runs_on) {
        bool turn_ends = cpu->slice_over && current->class == 0;
        if (turn_ends)
            current->slice_left = TIME_SLICE_NS;
        if (cpu_count > 1)
            switch_save_fpu(current); // it may go on elsewhere
        run_queue_push(current, !turn_ends);
    }
    do {
        if (!run_queue_first())
            now = idle(cpu, now);
        next = take_next();
        if (is_allowed(cpu, next))
            break;
        switch_save_fpu(next);
        run_queue_push(next, false);
    } while (true);
    cpu->slice_over = false;
    cpu->payer = next;
    cpu->slice_end = now + next->slice_left;
    cpu->current = next;
    next->cpu = cpu;
    switch_count += switch_to(next);
    arm_timer(cpu, now);
    share_work(cpu);
}
