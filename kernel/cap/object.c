// Creation, counting and reaping of kernel objects. Invariant: an object in the reaper's list has no references except
// destroyed processes and threads, which are taken apart while others may still point at them.
#include "kernel/cap/object.h"

#include "kernel/cap/account.h"
#include "kernel/debug/panic.h"
#include "kernel/sched/process.h"
#include "kernel/trace/trace.h"

static struct list reap_list = {&reap_list, &reap_list};

error_t object_create(enum capability_kind kind, size_t bytes, struct account *account, void *out) {
    void *memory;
    error_t error = heap_allocate(account, bytes, &memory);
    if (error)
        return error;
    struct object *object = memory;
    object->kind = (uint8_t)kind;
    object->references = 1;
    object->account = account;
    list_initialize(&object->reap);
    if (account)
        object_reference(&account->object);
    *(void **)out = memory;
    trace_event(TRACE_EVENT_CREATE, NULL, kind, trace_object(object), bytes);
    return ERR_OK;
}

void object_reference(struct object *object) {
    object->references++;
}

void object_release(struct object *object) {
    if (object->references == 0)
        panic("object of kind %u released more often than referenced", object->kind);
    if (--object->references == 0)
        object_reap(object);
}

void object_add_capability(struct object *object) {
    object->capabilities++;
    object_reference(object);
}

// What a kind does when its last capability goes, and one step of taking it apart.
static const struct {
    void (*unreachable)(struct object *object);
    bool (*reap_step)(struct object *object);
} kinds[CAP_KIND_COUNT] = {
    [CAP_PROCESS] = {process_unreachable, process_reap_step},
    [CAP_THREAD] = {NULL, thread_reap_step}, // it runs on: its process can be ended as a whole
    [CAP_ENDPOINT] = {endpoint_unreachable, endpoint_reap_step},
    [CAP_SESSION] = {session_unreachable, session_reap_step},
    [CAP_CALL] = {call_unreachable, call_reap_step},
    [CAP_NOTIFICATION] = {notification_unreachable, notification_reap_step},
    [CAP_MEMORY] = {trace_memory_unreachable, memory_reap_step},
    [CAP_IRQ] = {NULL, irq_reap_step},
};

void object_remove_capability(struct object *object) {
    object->capabilities--;
    // A process's capabilities to itself do not count: it looks itself.
    if (kinds[object->kind].unreachable && (object->capabilities == 0 || object->kind == CAP_PROCESS))
        kinds[object->kind].unreachable(object);
    object_release(object);
}

void object_reap(struct object *object) {
    object->dying = true;
    object_end_in_steps(object);
}

void object_end_in_steps(struct object *object) {
    if (object->reaping)
        return;
    object->reaping = true;
    list_push_back(&reap_list, &object->reap);
}

bool reaper_run(uint32_t steps) {
    for (struct list *link; (link = list_first(&reap_list)); steps--) {
        if (steps == 0)
            return false;
        struct object *object = CONTAINER_OF(link, struct object, reap);
        if (kinds[object->kind].reap_step && !kinds[object->kind].reap_step(object))
            continue;
        list_remove(&object->reap);
        object->reaping = false;
        if (object->references > 0) // still pointed at: freed with the last reference
            continue;
        struct account *account = object->account;
        trace_event(TRACE_EVENT_END, NULL, object->kind, trace_object(object), 0);
        heap_free(object);
        if (account)
            object_release(&account->object);
    }
    return true;
}
