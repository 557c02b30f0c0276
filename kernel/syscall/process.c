// Methods of processes; what each does is in libipc/protocols/process.idl.
#include "kernel/sched/process.h"

#include "kernel/cap/account.h"
#include "kernel/ipc/copy.h"
#include "kernel/memory/frame.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/x86_64/string.h"
#include "kernel/syscall/invocation.h"
#include "kernel/x86_64/switch.h"

enum { REVOKE_STEP = 64, SLOT_LOOKS = 1024, MAP_RIGHTS = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE };

static error_t map(struct invocation *call, struct process *process) {
    struct memory *memory;
    uint16_t flags = (uint16_t)(call->in[3] & MAP_RIGHTS);
    uint64_t address = call->in[0];
    error_t error = invocation_object(call, 0, CAP_MEMORY, flags, &memory);
    if (error)
        return error;
    if ((call->in[3] & ~(uint64_t)(MAP_RIGHTS | MAP_FLAG_FIXED)) || !(call->in[3] & MAP_FLAG_FIXED) != !address)
        return ERR_INVALID;
    error =
        space_map(&process->space, memory, &address, call->in[1], call->in[2], flags, call->caps[0]->rights & MAP_RIGHTS, NULL);
    call->reply[0] = address;
    return error;
}

static error_t protect(struct invocation *call, struct process *process) {
    uint64_t done;
    error_t error = space_protect(&process->space, call->in[0], call->in[1], (uint16_t)call->in[2], &done);
    return error || done == call->in[1] ? error : invocation_advance(call, done);
}

static error_t create_thread(struct invocation *call, struct process *process) {
    uint64_t priority = call->in[3], page = call->in[4];
    if (process->exited)
        return ERR_DYING;
    if (call->in[5] > 1 || priority > process->object.account->priority_ceiling || call->in[0] >= USER_HIGHEST ||
        call->in[1] >= USER_HIGHEST)
        return ERR_INVALID;
    struct thread *thread;
    error_t error = thread_create(process, (uint8_t)priority, call->in[5] & 1, &thread);
    if (error)
        return error;
    struct mapping *mapping;
    error = space_map(&process->space, thread->message_memory, &page, PAGE_BYTES, 0, RIGHT_READ | RIGHT_WRITE,
                      RIGHT_READ | RIGHT_WRITE, &mapping);
    if (error) {
        thread_end(thread);
        return error;
    }
    mapping->private_page = true;
    thread->message_address = page;
    thread->registers.rip = call->in[0];
    thread->registers.rsp = call->in[1];
    thread->registers.rdi = call->in[2];
    call->reply[0] = page;
    capability_fill(call->out[0], CAP_THREAD, thread, RIGHTS_ALL, NULL);
    return ERR_OK;
}

static error_t install(struct invocation *call, struct process *process) {
    struct capability *slot;
    error_t error = capability_reserve(&process->table, process->object.account, call->in[0], &slot);
    if (error)
        return error;
    return capability_copy(call->caps[0], slot, call->in[1] ? (uint16_t)call->in[1] : RIGHTS_ALL);
}

static error_t slot_operation(struct invocation *call, struct process *process, uint32_t method) {
    struct capability *from = capability_slot(&process->table, call->in[0]), *to;
    if (!from || from->kind == CAP_NONE)
        return method == METHOD_PROCESS_SLOT_DELETE ? ERR_OK : ERR_BAD_CAPABILITY;
    error_t error = ERR_OK;
    switch (method) {
    case METHOD_PROCESS_SLOT_DELETE:
        if (from == call->slot)
            return ERR_INVALID;
        capability_delete(from);
        return ERR_OK;
    case METHOD_PROCESS_SLOT_REVOKE:
        if (!(from->rights & RIGHT_REVOKE))
            return ERR_RIGHTS;
        if (!capability_revoke_step(from, REVOKE_STEP))
            error = ERR_AGAIN;
        call->thread->revoking = error ? capability_number(from) : 0;
        return error;
    default:
        error = capability_reserve(&process->table, process->object.account, call->in[1], &to);
        if (error)
            return error;
        if (method == METHOD_PROCESS_SLOT_COPY)
            return capability_copy(from, to, (uint16_t)call->in[2]);
        if (from->flags & CAPABILITY_REVOKING) // whoever revokes it would not find it again
            return ERR_REVOKED;
        capability_move(from, to);
        return ERR_OK;
    }
}

static error_t slot_next(struct invocation *call, struct process *process) {
    for (uint64_t index = call->in[0], looks = 0; index < process->table.size; index++) {
        if (looks++ == SLOT_LOOKS) {
            call->thread->registers.words[0] = index;
            return ERR_AGAIN;
        }
        const struct capability *slot = &process->table.slots[index];
        if (slot->kind == CAP_NONE)
            continue;
        call->reply[0] = index;
        call->reply[1] = slot->kind;
        call->reply[2] = slot->rights;
        call->reply[4] = slot->kind == CAP_SESSION ? ((struct session *)slot->object)->serial : 0;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static error_t clone_table(struct invocation *call, struct process *process) {
    struct process *source;
    error_t error = invocation_object(call, 0, CAP_PROCESS, RIGHT_CONTROL, &source);
    if (!error && source->object.dying)
        error = ERR_DYING;
    for (uint32_t index = 1; !error && index < source->table.size; index++) {
        struct capability *from = &source->table.slots[index], *to;
        const uint16_t needed = RIGHT_INHERIT | RIGHT_COPY;
        if (from->kind == CAP_NONE || (from->rights & needed) != needed || from->kind == CAP_REPLY || from->kind == CAP_THREAD ||
            from->kind == CAP_ACCOUNT || from->flags & CAPABILITY_REVOKING)
            continue;
        error = capability_reserve(&process->table, process->object.account, index, &to);
        if (!error)
            error = capability_copy(from, to, RIGHTS_ALL);
    }
    return error;
}

static error_t attach_ports(struct invocation *call, struct process *process) {
    struct capability *ports = call->caps[0];
    if (ports->kind != CAP_IOPORT)
        return ERR_WRONG_KIND;
    const uint16_t needed = RIGHT_READ | RIGHT_WRITE; // the instructions know no difference
    if ((ports->rights & needed) != needed)
        return ERR_RIGHTS;
    uint16_t first = (uint16_t)ports->data, last = (uint16_t)(first + (ports->data >> 16));
    for (uint32_t i = 0; i < process->port_ranges; i++)
        if (process->ports[i].first <= first && last <= process->ports[i].last)
            return ERR_OK;
    if (process->port_ranges == PROCESS_PORT_RANGES)
        return ERR_NO_MEMORY;
    process->ports[process->port_ranges].first = first;
    process->ports[process->port_ranges].last = last;
    process->port_ranges++;
    for (struct list *link = process->threads.next; link != &process->threads; link = link->next)
        CONTAINER_OF(link, struct thread, process_link)->extras |= EXTRA_PORTS;
    switch_ports_changed(process);
    return ERR_OK;
}

static error_t peek_poke(struct invocation *call, struct process *process, bool peek) {
    uint64_t length;
    struct copy_side lent = invocation_lent(call, peek, &length);
    struct copy_side other = {.space = &process->space, .address = call->in[0]};
    error_t error = peek ? copy_bytes(lent, other, length, &call->reply[0]) : copy_bytes(other, lent, length, &call->reply[0]);
    return call->reply[0] ? ERR_OK : error;
}

static error_t region(struct invocation *call, struct process *process) {
    struct mapping *mapping = space_find(&process->space, call->in[0]);
    if (!mapping) {
        struct tree_node *node = tree_at_or_above(&process->space.mappings, call->in[0]);
        if (!node)
            return ERR_NOT_FOUND;
        mapping = CONTAINER_OF(node, struct mapping, node);
    }
    call->reply[0] = mapping->start;
    call->reply[1] = mapping->length;
    call->reply[2] = mapping->offset;
    call->reply[3] = mapping->flags;
    return ERR_OK;
}

static error_t information(struct invocation *call, struct process *process) {
    struct process_information result = {
        .cpu_time = process->cpu_time,
        .threads = process->thread_count,
        .serial = process->serial,
    };
    for (struct tree_node *node = tree_first(&process->space.mappings); node; node = tree_next(node)) {
        const struct memory *memory = CONTAINER_OF(node, struct mapping, node)->memory;
        if (memory->memory_kind == MEMORY_KIND_ANONYMOUS)
            result.memory_bytes += memory->resident * PAGE_BYTES;
    }
    memcpy(call->reply, &result, sizeof(result));
    return ERR_OK;
}

static error_t control(struct invocation *call, struct process *process, uint32_t method) {
    error_t error;
    struct session *keeper;
    struct process *template;
    switch (method) {
    case METHOD_PROCESS_SET_KEEPER:
        error = invocation_object(call, 0, CAP_SESSION, RIGHT_CALL, &keeper);
        if (!error)
            process_set_keeper(process, keeper);
        return error;
    case METHOD_PROCESS_SET_FOREIGN:
        if (call->in[0] >= USER_HIGHEST)
            return ERR_INVALID;
        process->foreign = call->in[0];
        return ERR_OK;
    case METHOD_PROCESS_RESET:
        if (process == call->process)
            return ERR_INVALID;
        return process_reset_step(process, &error) ? error : ERR_AGAIN;
    case METHOD_PROCESS_END_THREADS:
        if (process == call->process)
            return ERR_INVALID;
        return process_pause_step(process) ? ERR_OK : ERR_AGAIN;
    case METHOD_PROCESS_CLONE_SPACE:
        error = invocation_object(call, 0, CAP_PROCESS, RIGHT_CONTROL, &template);
        if (!error && !template->space.serial)
            error = ERR_DYING;
        return error ? error : space_clone(&process->space, &template->space, &call->thread->building);
    case METHOD_PROCESS_EXIT:
        process_exit(process, call->in[0]);
        break;
    default: // METHOD_PROCESS_DESTROY
        process_destroy(process);
        break;
    }
    if (process == call->process) {
        call->gone = true;
        thread_end(call->thread); // perhaps not among the first
        return ERR_OK;
    }
    return list_is_empty(&process->threads) ? ERR_OK : ERR_AGAIN; // when it returns, nothing of it runs
}

error_t process_invoke(struct invocation *call, uint32_t code) {
    struct process *process = call->slot->object;
    uint32_t method = code | PROTOCOL_PROCESS << 8;
    if (process->object.dying)
        return method == METHOD_PROCESS_DESTROY && !list_is_empty(&process->threads) ? ERR_AGAIN : ERR_DYING;
    switch (method) {
    case METHOD_PROCESS_MAP:
        return map(call, process);
    case METHOD_PROCESS_UNMAP:
        return space_unmap(&process->space, call->in[0], call->in[1]);
    case METHOD_PROCESS_PROTECT:
        return call->in[2] & ~(uint64_t)MAP_RIGHTS ? ERR_INVALID : protect(call, process);
    case METHOD_PROCESS_REGION:
        return region(call, process);
    case METHOD_PROCESS_CREATE_THREAD:
        return create_thread(call, process);
    case METHOD_PROCESS_INFORMATION:
        return information(call, process);
    case METHOD_PROCESS_CLONE_TABLE:
        return clone_table(call, process);
    case METHOD_PROCESS_INSTALL:
        return install(call, process);
    case METHOD_PROCESS_SLOT_COPY:
    case METHOD_PROCESS_SLOT_MOVE:
    case METHOD_PROCESS_SLOT_DELETE:
    case METHOD_PROCESS_SLOT_REVOKE:
        return slot_operation(call, process, method);
    case METHOD_PROCESS_SLOT_NEXT:
        return slot_next(call, process);
    case METHOD_PROCESS_ATTACH_PORTS:
        return attach_ports(call, process);
    case METHOD_PROCESS_PEEK:
        return peek_poke(call, process, true);
    case METHOD_PROCESS_POKE:
        return peek_poke(call, process, false);
    default:
        return control(call, process, method);
    }
}
