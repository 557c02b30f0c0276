// Methods of accounts: everything that is made is made here, and paid for. See libipc/protocols/account.idl.
#include "kernel/cap/account.h"

#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notification.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/syscall/invocation.h"
#include "kernel/x86_64/clock.h"

enum { PERIOD_LEAST = 1000000, BUDGET_LEAST = 100000 }; // nanoseconds
#define PERIOD_MOST UINT64_C(10000000000)

static error_t create_account(struct invocation *call, struct account *account) {
    struct account *inner = NULL;
    if (call->in[1] > account->priority_ceiling)
        return ERR_INVALID;
    error_t error = account_create(account, call->in[0], (uint8_t)call->in[1], &inner);
    return invocation_give(call, error, CAP_ACCOUNT, inner, RIGHTS_ALL);
}

static error_t create_process(struct invocation *call, struct account *account) {
    struct process *process;
    error_t error = process_create(account, &process);
    if (!error) // keeps the reference of its creation: a process lives until it is destroyed
        capability_fill(call->out[0], CAP_PROCESS, process, RIGHTS_ALL, NULL);
    return error;
}

static error_t create_call(struct invocation *call, struct account *account) {
    struct endpoint *endpoint;
    struct call *object = NULL;
    error_t error = invocation_object(call, 0, CAP_ENDPOINT, RIGHT_RECEIVE, &endpoint);
    if (!error)
        error = call_create(account, endpoint, call->in[0], &object);
    return invocation_give(call, error, CAP_CALL, object, RIGHTS_ALL & ~RIGHT_COPY);
}

static error_t create_memory(struct invocation *call, struct account *account, uint32_t method) {
    struct memory *memory = NULL;
    struct session *pager;
    error_t error;
    if (method == METHOD_ACCOUNT_CREATE_MEMORY) {
        error = memory_create_anonymous(account, call->in[0], &memory);
    } else if (method == METHOD_ACCOUNT_CREATE_PAGED) {
        error = invocation_object(call, 0, CAP_SESSION, RIGHT_CALL, &pager);
        if (!error)
            error = memory_create_paged(account, call->in[0], pager, &memory);
    } else {
        uint64_t flags = call->in[1], limit = flags & CREATE_FLAG_BELOW_4G ? FRAME_BELOW_4G : FRAME_ANYWHERE;
        if (flags & ~(uint64_t)(CREATE_FLAG_BELOW_4G | CREATE_FLAG_UNCACHED))
            return ERR_INVALID;
        struct memory **building = &call->thread->building;
        error = memory_create_contiguous(account, call->in[0], limit, building);
        if (!error) {
            call->reply[0] = (*building)->physical;
            (*building)->page_flags = flags & CREATE_FLAG_UNCACHED ? PAGE_UNCACHED : 0;
        }
        return invocation_give_built(call, error, RIGHTS_ALL);
    }
    return invocation_give(call, error, CAP_MEMORY, memory, RIGHTS_ALL);
}

static error_t set_budget(struct account *account, uint64_t budget, uint64_t period) {
    if ((budget || period) &&
        (period < PERIOD_LEAST || period > PERIOD_MOST || budget < BUDGET_LEAST || budget > period * CPUS_MAX))
        return ERR_INVALID;
    account_budgets = true;
    account->budget = budget;
    account->period = period;
    account->period_start = clock_now();
    account->spent = 0;
    return ERR_OK;
}

error_t account_invoke(struct invocation *call, uint32_t code) {
    struct account *account = call->slot->object;
    uint32_t method = code | PROTOCOL_ACCOUNT << 8;
    struct endpoint *endpoint = NULL;
    struct notification *notification = NULL;
    error_t error;
    switch (method) {
    case METHOD_ACCOUNT_CREATE_ACCOUNT:
        return create_account(call, account);
    case METHOD_ACCOUNT_CREATE_PROCESS:
        return create_process(call, account);
    case METHOD_ACCOUNT_CREATE_ENDPOINT:
        error = endpoint_create(account, &endpoint);
        return invocation_give(call, error, CAP_ENDPOINT, endpoint, RIGHTS_ALL);
    case METHOD_ACCOUNT_CREATE_NOTIFICATION:
        error = notification_create(account, &notification);
        return invocation_give(call, error, CAP_NOTIFICATION, notification, RIGHTS_ALL);
    case METHOD_ACCOUNT_CREATE_CALL:
        return create_call(call, account);
    case METHOD_ACCOUNT_INFORMATION:
        call->reply[0] = account->quota;
        call->reply[1] = account->used;
        call->reply[2] = account->peak;
        call->reply[3] = account->priority_ceiling;
        return ERR_OK;
    case METHOD_ACCOUNT_SET_QUOTA:
        if (!account->parent || call->in[0] < account->used || call->in[1] > account->parent->priority_ceiling)
            return ERR_INVALID;
        account->quota = call->in[0];
        account->priority_ceiling = (uint8_t)call->in[1];
        return ERR_OK;
    case METHOD_ACCOUNT_SET_BUDGET:
        return set_budget(account, call->in[0], call->in[1]);
    case METHOD_ACCOUNT_TIME:
        call->reply[0] = account->budget;
        call->reply[1] = account->period;
        call->reply[2] = clock_now() - account->period_start < account->period ? account->spent : 0;
        return ERR_OK;
    default:
        return create_memory(call, account, method);
    }
}
