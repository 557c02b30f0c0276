// Making and ending partners; see partner.h. Shared memory: the shared page, a page of stack, the buffer that
// is lent from.
#include "programs/ipcbench/partner.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"

enum { PAGE = 4096, STACK_END = 2 * PAGE - 64, BUFFER_AT = 2 * PAGE, SHARED_BYTES = BUFFER_AT + PARTNER_BUFFER_BYTES };
enum { READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE };

static uint64_t code_bytes(void) {
    return ((uint64_t)(peer_end - peer_begin) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

error_t partner_code_make(cap_t *code) {
    error_t error = account_create_memory(SLOT_ACCOUNT, code_bytes(), code);
    uint64_t count;
    if (!error)
        error = memory_write(*code, 0, peer_begin, (uint64_t)(peer_end - peer_begin), &count);
    return error;
}

error_t partner_install(struct partner *partner, cap_t slot, cap_t capability) {
    return process_install(partner->process, slot, 0, capability);
}

// What both kinds of partner have, in this process's table.
static error_t make_objects(struct partner *partner) {
    uint64_t address;
    error_t error = account_create_endpoint(SLOT_ACCOUNT, &partner->endpoint);
    if (!error)
        error = endpoint_create_session(partner->endpoint, 1, &partner->session);
    if (!error)
        error = account_create_notification(SLOT_ACCOUNT, &partner->notification);
    if (!error)
        error = account_create_memory(SLOT_ACCOUNT, SHARED_BYTES, &partner->memory);
    if (!error)
        error = process_map(SLOT_SELF, 0, SHARED_BYTES, 0, READ_WRITE, partner->memory, &address);
    if (error)
        return error;
    partner->shared = (volatile struct peer_shared *)address;    // NOLINT(performance-no-int-to-ptr)
    for (uint64_t at = 0; at < PARTNER_BUFFER_BYTES; at += PAGE) // brought in, so that lending moves bytes and no more
        ((volatile char *)partner->shared)[BUFFER_AT + at] = 1;
    partner->address = address;
    return ERR_OK;
}

static error_t make_process(struct partner *partner) {
    error_t error = account_create_process(SLOT_ACCOUNT, &partner->process);
    if (!error)
        error = process_map(partner->process, 0, SHARED_BYTES, 0, READ_WRITE, partner->memory, &partner->address);
    if (!error)
        error = partner_install(partner, PARTNER_ENDPOINT, partner->endpoint);
    if (!error)
        error = partner_install(partner, PARTNER_NOTIFICATION, partner->notification);
    return error;
}

error_t partner_make(struct partner *partner, cap_t code, bool in_process) {
    *partner = (struct partner){.in_process = in_process, .code = code};
    error_t error = make_objects(partner);
    if (!error && !in_process)
        error = make_process(partner);
    if (error)
        return error;
    if (in_process)
        partner->process = SLOT_SELF;
    partner->shared->endpoint = in_process ? partner->endpoint : PARTNER_ENDPOINT;
    partner->shared->notification = in_process ? partner->notification : PARTNER_NOTIFICATION;
    partner->shared->target = PARTNER_TARGET;
    partner->shared->source = PARTNER_SOURCE;
    partner->shared->free_slot = PARTNER_FREE;
    partner->shared->buffer = (const void *)(partner->address + BUFFER_AT); // NOLINT(performance-no-int-to-ptr)
    return ERR_OK;
}

error_t partner_start(struct partner *partner, peer_function *peer, uint64_t priority) {
    uint64_t entry = (uint64_t)peer;
    error_t error = ERR_OK;
    if (!partner->in_process) {
        uint64_t base;
        error = process_map(partner->process, 0, code_bytes(), 0, MAP_FLAG_READ | MAP_FLAG_EXECUTE, partner->code, &base);
        entry = base + ((uint64_t)peer - (uint64_t)peer_begin);
    }
    if (!error) // flags 0: without an FPU; the stack as after a call
        error = process_create_thread(partner->process, entry, partner->address + STACK_END - 8, partner->address, priority, 0, 0,
                                      &partner->message_page, &partner->thread);
    if (error)
        return error;
    partner->shared->page = (struct message_page *)partner->message_page; // NOLINT(performance-no-int-to-ptr)
    if (partner->processors)
        error = thread_set_affinity(partner->thread, partner->processors);
    return error ? error : thread_start(partner->thread);
}

// Failures are of no use here: each only means that there was nothing to take back.
static void ignore(error_t error) {
    (void)error;
}

void partner_end(struct partner *partner) {
    if (partner->in_process && partner->thread) {
        ignore(thread_destroy(partner->thread));
        ignore(process_unmap(SLOT_SELF, partner->message_page, PAGE));
    }
    if (!partner->in_process && partner->process) {
        ignore(process_destroy(partner->process));
        slot_release(partner->process);
    }
    if (partner->shared)
        ignore(process_unmap(SLOT_SELF, (uint64_t)partner->shared, SHARED_BYTES));
    const cap_t owned[] = {partner->thread, partner->session, partner->endpoint, partner->notification, partner->memory};
    for (unsigned i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        slot_release(owned[i]);
    *partner = (struct partner){0};
}
