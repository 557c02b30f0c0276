// The scheduler's decisions; see schedule.h. The timer is set only if someone waits for a time or for a turn (tickless).
#include "kernel/sched/schedule.h"

#include "kernel/sched/process.h"
#include "kernel/sched/run_queue.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/switch.h"

enum { REAP_STEPS = 64 };

uint64_t message_count, switch_count, interrupt_count, idle_time;

static struct tree timers;
static bool slice_over;             // the current thread must let its peers run
static uint64_t slice_end;          // when the current thread's turn is over
static uint64_t running_since;      // when the current thread began to be charged
static uint64_t armed = UINT64_MAX; // what the processor's alarm is set to
static bool timer_stale;            // a deadline was added or the alarm fired: look at it again

// Time is charged where it was given: a server that runs by the fast path uses its caller's.
static void charge_time(uint64_t now) {
    struct thread *current = current_thread();
    uint64_t used = now - running_since;
    running_since = now;
    if (!current)
        return;
    current->cpu_time += used;
    current->process->cpu_time += used;
}

void schedule_forget(struct thread *thread) {
    if (current_thread() == thread)
        charge_time(clock_now());
    switch_forget(thread);
}

void timer_add(struct tree_node *node, uint64_t time) {
    tree_remove(&timers, node);
    tree_insert(&timers, node, time);
    timer_stale = true;
}

void timer_remove(struct tree_node *node) {
    tree_remove(&timers, node);
}

static void expire(uint64_t now) {
    struct tree_node *node;
    while ((node = tree_first(&timers)) && node->key <= now) {
        struct thread *thread = CONTAINER_OF(node, struct thread, timer);
        timer_remove(node);
        if (thread->state == THREAD_STATE_WAITING) {
            thread->registers.rax = (uint64_t)ERR_DEADLINE;
            thread_wake(thread);
        } else if (thread->state == THREAD_STATE_CALLING && !request_cancel(&thread->request)) {
            timer_add(node, now + UINT64_C(1000000000)); // the server's grace time
        }
    }
}

static void arm_timer(uint64_t now) {
    const struct thread *current = current_thread();
    uint64_t next = UINT64_MAX;
    struct tree_node *node = tree_first(&timers);
    if (node)
        next = node->key;
    if (current && current->class == 0 && run_queue_has_peer(current) && slice_end < next)
        next = slice_end;
    timer_stale = false;
    if (next == armed)
        return;
    armed = next;
    switch_arm_timer(next, now);
}

void schedule_tick(void) {
    uint64_t now = clock_now();
    armed = UINT64_MAX; // it fired, perhaps early
    timer_stale = true;
    expire(now);
    if (now >= slice_end)
        slice_over = true;
}

void schedule_yield(void) {
    slice_over = true;
}

// Sleeps until some thread can run; the time then.
static uint64_t idle(uint64_t now) {
    switch_to_nothing();
    while (!run_queue_first()) {
        if (reaper_run(REAP_STEPS) && !run_queue_first()) {
            arm_timer(now);
            switch_idle();
        }
        now = clock_now();
        expire(now);
    }
    idle_time += now - running_since;
    running_since = now;
    return now;
}

void schedule(void) {
    struct thread *current = current_thread(), *next = run_queue_first();
    bool runs_on = current && current->state == THREAD_STATE_READY && !thread_is_held(current);
    if (runs_on && (!next || next->effective < current->effective ||
                    (next->effective == current->effective && (!slice_over || current->class == 1)))) {
        if (timer_stale || (run_queue_has_peer(current) && armed > slice_end))
            arm_timer(clock_now());
        slice_over = false;
        switch_count += switch_to(current); // its extras may have changed
        return;
    }
    uint64_t now = clock_now();
    charge_time(now);
    if (runs_on)
        run_queue_push(current, !slice_over);
    if (!next)
        now = idle(now);
    next = run_queue_first();
    run_queue_remove(next);
    slice_over = false;
    slice_end = now + TIME_SLICE_NS;
    switch_count += switch_to(next);
    arm_timer(now);
}
