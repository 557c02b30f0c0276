// Methods of the kernel object: random numbers, counters, the log, power, device memory. See libipc/protocols/kernel.idl.
#include "kernel/cap/account.h"
#include "kernel/debug/log.h"
#include "kernel/init/init.h"
#include "kernel/ipc/copy.h"
#include "kernel/irq/irq.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/string.h"
#include "kernel/syscall/invocation.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/platform.h"

// Memory that is on its way back counts as free: first it gets there.
static error_t information(struct invocation *call) {
    if (!reaper_run(1))
        return ERR_AGAIN;
    uint64_t idle = 0, messages = 0;
    for (uint32_t i = 0; i < cpu_count; i++) {
        idle += cpus[i]->idle_time;
        messages += cpus[i]->messages;
    }
    struct kernel_information result = {
        .total_bytes = frame_total_bytes(),
        .free_bytes = frame_free_bytes(),
        .kernel_bytes = frame_kernel_bytes(),
        .processes = process_count(),
        .threads = thread_count,
        .messages = messages,
        .switches = switch_count,
        .interrupts = interrupt_count,
        .idle_time = idle,
        .cpus = cpu_count,
        .lock_waits = kernel_lock_waits(),
    };
    memcpy(call->reply, &result, sizeof(result));
    return ERR_OK;
}

_Static_assert(sizeof(struct framebuffer) == sizeof(struct boot_framebuffer), "the same fields");

// Copies `length` bytes of the kernel's own, or as many as fit, to the caller's lent buffer.
static error_t give_bytes(struct invocation *call, const char *bytes, uint64_t length, uint64_t *given) {
    uint64_t room;
    struct copy_side lent = invocation_lent(call, true, &room);
    *given = length < room ? length : room;
    return copy_kernel(lent, true, (char *)(uintptr_t)bytes, *given);
}

static error_t log_read_method(struct invocation *call) {
    const struct log_record *record = log_read(call->in[0]);
    if (!record)
        return ERR_NOT_FOUND;
    call->reply[0] = record->sequence + 1;
    call->reply[2] = record->level;
    call->reply[3] = record->time;
    return give_bytes(call, record->text, record->length, &call->reply[1]);
}

static error_t log_write_method(struct invocation *call) {
    char text[LOG_TEXT_BYTES];
    uint64_t length;
    struct copy_side lent = invocation_lent(call, false, &length);
    if (length > sizeof(text) - 1)
        length = sizeof(text) - 1;
    error_t error = copy_kernel(lent, false, text, length);
    if (!error && (call->in[0] < LOG_ERROR || call->in[0] > LOG_DEBUG))
        error = ERR_INVALID;
    text[length] = 0;
    if (!error)
        log_write((enum log_level)call->in[0], "%s", text);
    return error;
}

static error_t device_memory(struct invocation *call) {
    uint64_t address = call->in[0], length = call->in[1];
    if (address % PAGE_BYTES || length % PAGE_BYTES || length == 0 || length > UINT64_C(1) << 40 ||
        address > (UINT64_C(1) << 52) - length || call->in[2] > 1)
        return ERR_INVALID;
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        bool is_ours = range->kind != BOOT_MEMORY_RESERVED && range->kind != BOOT_MEMORY_ACPI;
        if (is_ours && address < range->start + range->length && range->start < address + length)
            return ERR_INVALID;
    }
    struct memory *memory;
    error_t error = memory_create_physical(call->process->object.account, address, length,
                                           call->in[2] ? PAGE_WRITE_COMBINING : PAGE_UNCACHED, &memory);
    if (error)
        return error;
    capability_fill(call->out[0], CAP_MEMORY, memory, RIGHTS_ALL & ~RIGHT_EXECUTE, call->slot);
    object_release(&memory->object);
    return ERR_OK;
}

static error_t next_process(struct invocation *call) {
    struct process *process = process_next(call->in[0]);
    if (!process)
        return ERR_NOT_FOUND;
    call->reply[0] = process->serial;
    capability_fill(call->out[0], CAP_PROCESS, process, RIGHT_INSPECT, NULL);
    return ERR_OK;
}

static error_t trace_ring(struct invocation *call) {
    struct memory **building = &call->thread->building;
    error_t error = trace_ring_create(call->in[0], call->in[1], call->process->object.account, building);
    return invocation_give_built(call, error, RIGHT_READ | RIGHT_COPY);
}

error_t kernel_invoke(struct invocation *call, uint32_t code) {
    uint32_t method = code | PROTOCOL_KERNEL << 8;
    switch (method) {
    case METHOD_KERNEL_RANDOM:
        entropy_fill(call->reply, 48);
        return ERR_OK;
    case METHOD_KERNEL_INFORMATION:
        return information(call);
    case METHOD_KERNEL_LOG_READ:
        return log_read_method(call);
    case METHOD_KERNEL_LOG_WRITE:
        return log_write_method(call);
    case METHOD_KERNEL_POWER:
        platform_power(call->in[0]);
        return ERR_NOT_SUPPORTED;
    case METHOD_KERNEL_DEVICE_MEMORY:
        return device_memory(call);
    case METHOD_KERNEL_FRAMEBUFFER:
        memcpy(call->reply, &boot_info.framebuffer, sizeof(struct framebuffer));
        return ERR_OK;
    case METHOD_KERNEL_RELEASE_CONSOLE:
        early_console_release((unsigned)call->in[0]);
        return ERR_OK;
    case METHOD_KERNEL_COMMAND_LINE:
        return give_bytes(call, boot_info.command_line, strlen(boot_info.command_line), &call->reply[0]);
    case METHOD_KERNEL_INTERRUPT_COUNT:
        return irq_line_count((uint32_t)call->in[0], &call->reply[0]);
    case METHOD_KERNEL_SET_WALL_OFFSET:
        clock_wall_set(call->in[0]);
        return ERR_OK;
    case METHOD_KERNEL_TRACE_RING:
        return trace_ring(call);
    case METHOD_KERNEL_TRACE_START:
        return trace_start(call->in[0], call->in[1]);
    default: // METHOD_KERNEL_NEXT_PROCESS
        return next_process(call);
    }
}
