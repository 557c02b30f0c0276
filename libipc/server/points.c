// Crash points: the actor ends, or stops serving in one of several ways, at an event that init has written down (service.point).
// Called by the loop at each kind of event; costs one comparison where none is set.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/server/loop.h"

struct server_point server_point; // written by init

// Waits where nothing comes: at an endpoint that nobody else knows. A request in service is put aside.
static void stall(void) {
    static cap_t nothing, aside;
    error_t error = nothing == 0 ? account_create_endpoint(SLOT_ACCOUNT, &nothing) : ERR_OK;
    if (error == ERR_OK && aside == 0)
        error = slot_take(&aside);
    if (error == ERR_OK)
        error = system_call(SYS_WAIT, &(struct ipc_registers){.target = nothing, .second = aside});
    (void)error;
}

static void point_special(void) {
    uint64_t event = server_point.event;
    if (event != POINT_HANDOVER && --server_point.left != 0)
        return;
    server_point.event = POINT_NONE;
    if (event == POINT_HANDOVER)
        loop.asked = true;
    else if (event >= POINT_LOSE)
        server_refuses = (struct server_refuses){SERVER_MISTREATS, event}; // the next request
    else
        for (;;) // for ever, one way or the other
            if (event == POINT_STALL)
                stall();
}

static void lose(void *argument) {
    struct request *request = argument;
    struct deferred deferred;
    if (request_defer(request, &deferred) != ERR_OK)
        return;
    loop.deferred = deferred.next; // and so nobody knows of it
    if (deferred.next != NULL)
        deferred.next->previous = NULL;
}

static void sleep(void *argument) {
    static struct fiber_wait_queue nobody;
    (void)argument;
    for (;;)
        fiber_wait_always(&nobody);
}

// An answer that no method has.
static void lie(void *argument) {
    struct request *request = argument;
    struct ipc_registers registers = {.tag = TAG(5, 3)};
    error_t ignored = system_call(SYS_REPLY, &registers);
    (void)ignored;
    request->state = REQUEST_GONE;
}

void server_point_output(void) {
    loop_point(POINT_OUTPUT);
}

void loop_forget_point(void) {
    server_point.event = POINT_NONE;
}

void loop_mistreat(struct fiber *fiber) {
    fiber->function = server_refuses.count == POINT_LOSE ? lose : server_refuses.count == POINT_LIE ? lie : sleep;
    fiber->argument = &fiber->request;
    server_refuses = (struct server_refuses){0};
}

void loop_point_reached(uint32_t event) {
    if (server_point.event >= POINT_HANDOVER) {
        if (event == POINT_RECEIVE)
            point_special();
    } else if (server_point.event == POINT_STORE || server_point.left == 0) {
        kept_fuse(server_point.left); // 0: none
        server_point.event = POINT_NONE;
    } else if (server_point.event == event && --server_point.left == 0) {
        __builtin_trap();
    }
}
