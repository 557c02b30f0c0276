// Methods of threads; what each does is in libipc/protocols/thread.idl.
#include "kernel/sched/thread.h"

#include "kernel/cap/account.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/string.h"
#include "kernel/syscall/invocation.h"
#include "kernel/x86_64/paging.h"

enum { FLAGS_FIXED = 0x202, FLAGS_FREE = 0xcd5 | 1 << 18 | 1 << 21 }; // arithmetic, direction, AC, ID

// Users see the registers in the kernel's own order, and the segments' bases behind them.
_Static_assert(offsetof(struct thread_registers, fs_base) == sizeof(struct registers), "the same registers");
_Static_assert(offsetof(struct thread_registers, rip) == offsetof(struct registers, rip), "in the same order");

static void set_segments(struct thread *thread, uint64_t fs_base, uint64_t gs_base) {
    thread->fs_base = fs_base;
    thread->gs_base = gs_base;
    thread->extras &= ~(uint32_t)EXTRA_SEGMENTS;
    if (fs_base || gs_base)
        thread->extras |= EXTRA_SEGMENTS;
    schedule_review(thread);
}

static error_t set_registers(struct thread *thread, const struct thread_registers *in) {
    if (!thread_is_held(thread) && thread->state != THREAD_STATE_FAULTED)
        return ERR_BUSY;
    if (thread->state == THREAD_STATE_CALLING || thread->state == THREAD_STATE_WAITING || thread_runs(thread))
        return ERR_BUSY;
    if (in->rip >= USER_HIGHEST || in->fs_base >= USER_HIGHEST || in->gs_base >= USER_HIGHEST)
        return ERR_INVALID;
    memcpy(&thread->registers, in, sizeof(thread->registers));
    thread->registers.rflags = (in->rflags & FLAGS_FREE) | FLAGS_FIXED;
    set_segments(thread, in->fs_base, in->gs_base);
    thread->interrupted = true;
    return ERR_OK;
}

static error_t set_priority(struct thread *thread, uint64_t priority, uint64_t class) {
    if (priority > thread->process->object.account->priority_ceiling || class > 2)
        return ERR_INVALID;
    thread->priority = (uint8_t)priority;
    thread->class = (uint8_t) class;
    thread_update_priority(thread);
    return ERR_OK;
}

static error_t control(struct invocation *call, struct thread *thread, uint32_t method) {
    struct thread_registers registers;
    switch (method) {
    case METHOD_THREAD_START:
        if (thread->state == THREAD_STATE_STOPPED)
            thread->state = THREAD_STATE_READY;
        thread_start(thread);
        return ERR_OK;
    case METHOD_THREAD_STOP:
        thread_hold(thread);
        return ERR_OK;
    case METHOD_THREAD_SET_PRIORITY:
        return set_priority(thread, call->in[0], call->in[1]);
    case METHOD_THREAD_SET_REGISTERS:
        memcpy(&registers, call->in, sizeof(registers));
        return set_registers(thread, &registers);
    case METHOD_THREAD_SET_SEGMENTS:
        if (call->in[0] >= USER_HIGHEST || call->in[1] >= USER_HIGHEST)
            return ERR_INVALID;
        set_segments(thread, call->in[0], call->in[1]);
        return ERR_OK;
    case METHOD_THREAD_SET_AFFINITY:
        if (!(call->in[0] & UINT64_MAX >> (CPUS_MAX - cpu_count)))
            return ERR_INVALID;
        thread->affinity = call->in[0];
        schedule_review(thread);
        return ERR_OK;
    case METHOD_THREAD_YIELD:
        if (thread == call->thread)
            schedule_yield();
        return ERR_OK;
    default: // METHOD_THREAD_DESTROY
        call->gone = thread == call->thread;
        thread_end(thread);
        return ERR_OK;
    }
}

error_t thread_invoke(struct invocation *call, uint32_t code) {
    struct thread *thread = call->slot->object;
    uint32_t method = code | PROTOCOL_THREAD << 8;
    if (thread->state == THREAD_STATE_ENDED)
        return ERR_DYING;
    if (method == METHOD_THREAD_REGISTERS) {
        struct thread_registers registers = {.fs_base = thread->fs_base, .gs_base = thread->gs_base};
        memcpy(&registers, &thread->registers, sizeof(thread->registers));
        memcpy(call->reply, &registers, sizeof(registers));
        return ERR_OK;
    }
    if (method == METHOD_THREAD_INFORMATION) {
        const struct request *serving = thread_serving(thread);
        struct thread_information information = {
            .state = thread_is_held(thread) && thread->state == THREAD_STATE_READY ? THREAD_STATE_STOPPED : thread->state,
            .priority = thread->effective,
            .cpu_time = thread->cpu_time,
            .serial = thread->request.serial,
            .served_serial = serving ? serving->serial : 0,
            .served_count = serving ? serving->count : 0,
        };
        memcpy(call->reply, &information, sizeof(information));
        return ERR_OK;
    }
    return control(call, thread, method);
}
