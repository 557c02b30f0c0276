// The scheduler's decisions; see schedule.h. The timer is set only if someone waits for a time or for a turn
// (tickless).
#include "kernel/sched/schedule.h"

#include "kernel/cap/account.h"
#include "kernel/sched/process.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/switch.h"

enum { EXPIRE_STEP = 32, SYSTEM_CALL_INSTRUCTION_BYTES = 2, PAYER_DEPTH = 8 };

uint64_t switch_count, interrupt_count;
static struct thread *gathering; // out of the queue until its timer, or until a processor has nothing else to do

// Whose turn is used when the thread runs: a server's time is that of the caller whose call it serves, however deep.
static struct thread *payer_of(struct thread *thread) {
    for (int depth = 0; thread->caller && depth < PAYER_DEPTH; depth++)
        thread = thread->caller;
    return thread;
}

// Time is charged where it was given: a server that runs by the fast path uses its caller's.
static void charge_time(struct cpu *cpu, uint64_t now) {
    uint64_t used = now - cpu->running_since;
    cpu->running_since = now;
    if (account_budgets && cpu->spender)
        account_spend(cpu->spender->process->object.account, used, now);
    if (!cpu->current)
        return;
    if (account_budgets && payer_of(cpu->current) != cpu->spender) // a caller that its server answered on the server's time
        account_spend(cpu->current->process->object.account, used, now);
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
    if (thread_runs(thread)) {
        charge_time(cpu, clock_now());
        if (cpu != cpu_self()) { // its registers are still to be saved in it
            object_reference(&thread->object);
            switch_kick(cpu);
        } else {
            cpu->current = NULL;
        }
    }
    for (uint32_t i = 0; i < cpu_count; i++) {
        cpus[i]->payer = cpus[i]->payer == thread ? NULL : cpus[i]->payer;
        cpus[i]->spender = cpus[i]->spender == thread ? NULL : cpus[i]->spender;
    }
    switch_forget(thread);
}

void schedule_review(struct thread *thread) {
    if (thread_runs(thread))
        switch_kick(thread->cpu);
}

void schedule_hurry(const struct thread *thread) {
    struct cpu *cpu = thread->cpu;
    const struct thread *current = cpu->current;
    if (!current || current->effective != thread->effective || current->class == 1 || cpu->slice_rest || cpu->budgeted)
        return;
    uint64_t soon = clock_now() + PATIENCE_NS;
    if (soon >= cpu->slice_end)
        return;
    cpu->slice_rest = cpu->slice_end - soon;
    cpu->slice_end = soon;
}

void timer_add(struct thread *thread, uint64_t time) {
    timer_remove(thread);
    thread->timer_cpu = cpu_self();
    tree_insert(&thread->timer_cpu->timers, &thread->timer, time);
    thread->timer_cpu->timer_stale = true;
}

void timer_remove(struct thread *thread) {
    if (!thread->timer_cpu)
        return;
    gathering = gathering == thread ? NULL : gathering;
    tree_remove(&thread->timer_cpu->timers, &thread->timer);
    thread->timer_cpu = NULL;
}

bool schedule_gather(struct thread *thread) {
    uint64_t now = clock_now();
    if (gathering || now - cpu_self()->idle_until < PATIENCE_NS || !cpu_self()->current)
        return false;
    timer_add(thread, now + PATIENCE_NS);
    gathering = thread;
    return true;
}

static void expire_timer(struct thread *thread, uint64_t now) {
    timer_remove(thread);
    if (thread->state == THREAD_STATE_WAITING) {
        thread->registers.rax = (uint64_t)ERR_DEADLINE;
        thread_wake(thread);
    } else if (thread->state == THREAD_STATE_READY) { // it gathered, or waited for its account's next period
        if (!thread_is_held(thread))
            thread_start(thread);
    } else if (thread->state == THREAD_STATE_CALLING && !request_cancel(&thread->request)) {
        timer_add(thread, now + UINT64_C(1000000000)); // the server's grace time
    }
}

static void expire(struct cpu *cpu, uint64_t now) {
    struct tree_node *node;
    for (int i = 0; i < EXPIRE_STEP && (node = tree_first(&cpu->timers)) && node->key <= now; i++) // the rest at the next alarm
        expire_timer(CONTAINER_OF(node, struct thread, timer), now);
}

// A caller whose server used the turn up gets the answer by the slow path, which lets its peers go first. True: so must the
// current thread.
static bool end_turn(const struct cpu *cpu) {
    if (cpu->current && cpu->current->caller)
        payer_of(cpu->current)->extras |= EXTRA_TIMER;
    return cpu->current && cpu->current->class != 1 && run_queue_has_peer(cpu->current);
}

// A turn may be over already: as long as nobody waited for its end, no alarm was set for it.
static void arm_timer(struct cpu *cpu, uint64_t now) {
    struct tree_node *node = tree_first(&cpu->timers);
    uint64_t next = node ? node->key : UINT64_MAX;
    const struct thread *payer = cpu->payer;
    bool ahead = now < cpu->slice_end, turn_ends = payer && payer->class == 0 && run_queue_has_peer(payer);
    if (turn_ends && !ahead)
        turn_ends = end_turn(cpu);
    if (cpu->current && (turn_ends || (account_budgets && ahead)) && cpu->slice_end < next)
        next = cpu->slice_end;
    cpu->timer_stale = false;
    if (cpu->armed <= next) // an alarm that comes too early costs less than setting another at every switch
        return;
    cpu->armed = next;
    clock_alarm(next, now);
}

void schedule_tick(void) {
    struct cpu *cpu = cpu_self();
    uint64_t now = clock_now();
    cpu->armed = UINT64_MAX; // it fired, perhaps early
    cpu->timer_stale = true;
    expire(cpu, now);
    cpu->slice_over |= now >= cpu->slice_end;
    if (cpu->slice_over)
        end_turn(cpu);
}

void schedule_yield(void) {
    cpu_self()->slice_over = true;
}

// Sleeps until some thread can run; the time then.
static uint64_t idle(struct cpu *cpu, uint64_t now) {
    while (!run_queue_first() && !run_queue_steal()) {
        if (gathering)
            expire_timer(gathering, now);
        bool nothing_to_reap = reaper_run(1);
        if (!run_queue_first()) {
            arm_timer(cpu, now);
            trace_event(TRACE_EVENT_SWITCH, NULL, 0, 0, 0);
            switch_idle(nothing_to_reap);
        }
        now = clock_now();
        expire(cpu, now);
    }
    cpu->idle_time += now - cpu->running_since;
    cpu->idle_until = cpu->running_since = now;
    return now;
}

// What is left of a turn waits with the thread: neither those that keep waking each other nor one that is
// interrupted from above can make a turn longer.
static void stop_slice(struct cpu *cpu, uint64_t now) {
    if (cpu->payer)
        cpu->payer->slice_left = (cpu->slice_end > now ? cpu->slice_end - now : 0) + cpu->slice_rest;
    cpu->payer = cpu->spender = NULL;
}

// The thread that runs next, out of the queue. One that used its turn up before it blocked lets its peers go
// first.
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

// Puts a thread that came out of the queue off to when its account may spend again; false if it may now.
static bool put_off(struct thread *thread, uint64_t now) {
    uint64_t refilled;
    if (!account_budgets || account_time_left(thread->process->object.account, now, &refilled))
        return false;
    switch_save_fpu(thread);
    timer_add(thread, refilled);
    return true;
}

// Whose turn it is, and when it ends. owner: of the turn before, or NULL.
static void begin_turn(struct cpu *cpu, struct thread *next, struct thread *owner, uint64_t now) {
    uint64_t refilled, left = UINT64_MAX;
    cpu->payer = cpu->spender = payer_of(next);
    bool is_rest = owner && owner->in_queue && owner->cpu == cpu && owner->slice_left;
    if (cpu->payer == next && is_rest && next->effective > owner->effective)
        cpu->payer = owner; // what comes in between is part of its turn: most likely it has set it off
    cpu->slice_end = now + cpu->payer->slice_left;
    cpu->slice_rest = 0;
    if (account_budgets)
        left = account_time_left(cpu->spender->process->object.account, now, &refilled);
    bool sooner = left < cpu->payer->slice_left || !cpu->payer->slice_left || cpu->spender->class == 1;
    cpu->budgeted = left && left != UINT64_MAX && sooner;
    if (cpu->budgeted)
        cpu->slice_end = now + left;
}

// Others wait here while another processor has nothing to do.
static void share_work(const struct cpu *cpu) {
    if (cpu_count == 1 || !(cpu->queue.occupied || gathering))
        return;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (!cpus[i]->current && !cpus[i]->queue.occupied) {
            switch_kick(cpus[i]);
            return;
        }
    }
}

void schedule(void) {
    struct cpu *cpu = cpu_self();
    struct thread *current = cpu->current, *next = run_queue_first();
    bool runs_on = current && current->state == THREAD_STATE_READY && !thread_is_held(current);
    // With budgets about, each turn ends in the queue, where they are looked at.
    if (runs_on && !(cpu->slice_over && account_budgets) &&
        (!next || next->effective < current->effective ||
         (next->effective == current->effective && (!cpu->slice_over || current->class == 1))) &&
        thread_is_allowed(current, cpu)) {
        bool is_waited = next && (account_budgets || !cpu->payer || run_queue_has_peer(cpu->payer));
        if (cpu->timer_stale || (is_waited && cpu->armed > cpu->slice_end))
            arm_timer(cpu, clock_now());
        cpu->slice_over = false;
        switch_count += switch_to(current); // its extras may have changed
        share_work(cpu);
        return;
    }
    uint64_t now = clock_now();
    struct thread *owner = cpu->payer; // of the turn
    charge_time(cpu, now);
    stop_slice(cpu, now);
    cpu->current = NULL;
    if (runs_on) {
        bool turn_ends = cpu->slice_over && current->class == 0 && !cpu->budgeted;
        if (turn_ends && !cpu->slice_rest)
            current->slice_left = TIME_SLICE_NS;
        if (cpu_count > 1)
            switch_save_fpu(current); // it may go on elsewhere
        run_queue_push(current, !turn_ends);
    }
    do {
        if (!run_queue_first()) {
            owner = NULL;
            now = idle(cpu, now);
        }
        next = take_next();
        if (put_off(next, now))
            continue;
        if (thread_is_allowed(next, cpu))
            break; // else its affinity changed while it waited
        switch_save_fpu(next);
        run_queue_push(next, false);
    } while (true);
    cpu->slice_over = false;
    begin_turn(cpu, next, owner, now);
    cpu->current = next;
    next->cpu = cpu;
    if (!cpu->payer->slice_left)
        end_turn(cpu);
    trace_event(TRACE_EVENT_SWITCH, next, 0, 0, 0);
    switch_count += switch_to(next);
    arm_timer(cpu, now);
    share_work(cpu);
}
