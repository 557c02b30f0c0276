// See machine.h. Slots name sessions, memory objects, notifications or endpoints; a session closes when its
// last slot goes and no request runs on it. Over 600 lines, because each system call that servers make has its stand-in here,
// over one table of slots.
#include "tests/host/servers/machine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/heap.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/include/startup.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/server/fiber.h"
#include "libipc/server/handover.h"
#include "libipc/start/start.h"
#include "tests/host/servers/check.h"

enum { SLOTS = 1 << 16, SERVERS = 16, NAMES = 32, FIRST_SLOT = 16, DEPTH_MAX = 16 };

enum slot_kind { SLOT_EMPTY, SLOT_SESSION, SLOT_MEMORY, SLOT_NOTIFICATION, SLOT_ENDPOINT, SLOT_REPLY };

struct object { // what slots share
    enum slot_kind kind;
    uint32_t references; // slots and requests
    unsigned server;
    uint64_t badge, bits;
    unsigned char *bytes;
    size_t length;
    struct machine_call_state *call;
};

struct machine_call_state {
    struct request request;
    uint64_t words[MESSAGE_WORDS];
    const unsigned char *read;
    unsigned char *write;
    struct machine_call *call;
    struct object *session;
    struct deferred *deferred;
    uint16_t method;
};

static struct object *table[SLOTS];
static struct machine_server servers[SERVERS];
static unsigned server_count;
static struct {
    const char *name;
    cap_t capability;
} names[NAMES];
static unsigned name_count, depth;
static uint32_t slots_used;
static size_t memory_bytes;

unsigned machine_copy_failures;
uint64_t machine_time = UINT64_C(1700000000000000000);
struct message_page *ipc_page;
uint64_t ipc_deadline;
const volatile struct clock_page *ipc_clock_page;

static error_t no_exchange(struct ipc_registers *registers, unsigned caps_out) {
    (void)registers;
    (void)caps_out;
    abort();
}
ipc_exchange_function *ipc_exchange = no_exchange; // so that short calls come to ipc_call as well

// --- slots
// ----------------------------------------------------------------------------------------------------------
static cap_t slot_fill(struct object *object) {
    for (cap_t slot = FIRST_SLOT; slot < SLOTS; slot++) {
        if (table[slot] != NULL)
            continue;
        table[slot] = object;
        object->references++;
        slots_used++;
        return slot;
    }
    CHECK(!"no slot is free");
    return 0;
}

static struct object *object_make(enum slot_kind kind) {
    struct object *object = calloc(1, sizeof(*object));
    object->kind = kind;
    return object;
}

static void object_drop(struct object *object) {
    if (--object->references != 0)
        return;
    if (object->kind == SLOT_SESSION && servers[object->server].closed != NULL) {
        object->references++; // while the server hears of it
        servers[object->server].closed(object->badge);
        object->references--;
    }
    if (object->kind == SLOT_MEMORY)
        memory_bytes -= object->length;
    free(object->bytes);
    free(object);
}

static struct object *slot_object(cap_t slot, enum slot_kind kind) {
    return slot < SLOTS && table[slot] != NULL && table[slot]->kind == kind ? table[slot] : NULL;
}

error_t slot_take(cap_t *slot) {
    (void)slot;
    return ERR_TOO_MANY_FILES;
}

void slot_release(cap_t slot) {
    if (slot < FIRST_SLOT)
        return;
    CHECK(slot < SLOTS && table[slot] != NULL);
    struct object *object = table[slot];
    table[slot] = NULL;
    slots_used--;
    object_drop(object);
}

error_t slot_duplicate(cap_t from, uint64_t rights, cap_t *copy) {
    (void)rights;
    CHECK(from < SLOTS && table[from] != NULL);
    *copy = slot_fill(table[from]);
    return ERR_OK;
}

uint32_t machine_slots(void) {
    return slots_used;
}

size_t machine_memory_bytes(void) {
    return memory_bytes;
}

// --- the kernel's objects
// -------------------------------------------------------------------------------------------
cap_t machine_make_memory(size_t length) {
    struct object *object = object_make(SLOT_MEMORY);
    object->bytes = calloc(1, length);
    object->length = length;
    memory_bytes += length;
    return slot_fill(object);
}

void *machine_memory(cap_t memory, size_t *length) {
    struct object *object = slot_object(memory, SLOT_MEMORY);
    CHECK(object != NULL);
    *length = object->length;
    return object->bytes;
}

cap_t machine_notification(void) {
    return slot_fill(object_make(SLOT_NOTIFICATION));
}

uint64_t machine_notification_take(cap_t notification) {
    struct object *object = slot_object(notification, SLOT_NOTIFICATION);
    uint64_t bits = object->bits;
    object->bits = 0;
    return bits;
}

error_t notification_signal(cap_t notification, uint64_t bits) {
    struct object *object = slot_object(notification, SLOT_NOTIFICATION);
    CHECK(object != NULL);
    object->bits |= bits;
    return ERR_OK;
}

static error_t memory_call(struct object *memory, uint16_t method, uint64_t *words, struct ipc_extras *extras) {
    uint64_t offset = words[0], length = words[1];
    switch (method) {
    case METHOD_MEMORY_INFORMATION:
        words[0] = words[2] = memory->length;
        words[1] = 0;
        return ERR_OK;
    case METHOD_MEMORY_DISCARD:
    case METHOD_MEMORY_ZERO:
        CHECK(offset <= memory->length && length <= memory->length - offset);
        memset(memory->bytes + offset, 0, length);
        return ERR_OK;
    case METHOD_MEMORY_READ:
        if (offset > memory->length || extras->write_size > memory->length - offset)
            return ERR_INVALID;
        memcpy(extras->write_address, memory->bytes + offset, extras->write_size);
        words[0] = extras->write_size;
        return ERR_OK;
    default:
        return ERR_BAD_METHOD;
    }
}

static error_t endpoint_call(struct object *endpoint, uint16_t method, uint64_t *words, struct ipc_extras *extras) {
    struct object *session;
    switch (method) {
    case METHOD_ENDPOINT_CREATE_SESSION:
        session = object_make(SLOT_SESSION);
        session->server = endpoint->server;
        session->badge = words[0];
        extras->caps[0] = slot_fill(session);
        return ERR_OK;
    case METHOD_ENDPOINT_IDENTIFY:
        session = slot_object(extras->caps[0], SLOT_SESSION);
        if (session == NULL || session->server != endpoint->server)
            return ERR_NOT_FOUND;
        words[0] = session->badge;
        return ERR_OK;
    default:
        return ERR_BAD_METHOD;
    }
}

static error_t fixed_call(cap_t target, uint16_t method, uint64_t *words, struct ipc_extras *extras) {
    size_t length;
    if (target == SLOT_ACCOUNT && method == METHOD_ACCOUNT_CREATE_MEMORY) {
        extras->caps[0] = machine_make_memory(words[0]);
        return ERR_OK;
    }
    if (target == SLOT_ACCOUNT && method == METHOD_ACCOUNT_INFORMATION) {
        words[0] = words[3] = UINT64_C(1) << 40;
        words[1] = words[2] = 0;
        return ERR_OK;
    }
    if (target == SLOT_KERNEL && method == METHOD_KERNEL_INFORMATION) {
        struct kernel_information information = {.total_bytes = 64 << 20, .free_bytes = 32 << 20, .cpus = 1};
        information.idle_time = 1234567890;
        memcpy(words, &information, sizeof(information));
        return ERR_OK;
    }
    if (target == SLOT_KERNEL && method == METHOD_KERNEL_INTERRUPT_COUNT) {
        words[0] *= 3;
        return words[0] < 48 ? ERR_OK : ERR_NOT_FOUND;
    }
    if (target == SLOT_KERNEL && method == METHOD_KERNEL_COMMAND_LINE) {
        memcpy(extras->write_address, "root=disk1", 10);
        words[0] = 10;
        return ERR_OK;
    }
    if (target == SLOT_KERNEL && method == METHOD_KERNEL_RANDOM) {
        for (unsigned i = 0; i < 6; i++)
            words[i] = (uint64_t)rand() << 32 ^ (uint64_t)rand();
        return ERR_OK;
    }
    if (target == SLOT_SELF && method == METHOD_PROCESS_MAP) {
        words[0] = (uintptr_t)machine_memory(extras->caps[0], &length);
        return ERR_OK;
    }
    return target == SLOT_KERNEL ? ERR_NOT_FOUND : ERR_BAD_METHOD;
}

static error_t kernel_call(cap_t target, uint16_t method, uint64_t *words, struct ipc_extras *extras) {
    struct ipc_extras none = {0};
    if (extras == NULL)
        extras = &none;
    if (target < FIRST_SLOT)
        return fixed_call(target, method, words, extras);
    struct object *object = target < SLOTS ? table[target] : NULL;
    if (object == NULL)
        return ERR_BAD_CAPABILITY;
    if (object->kind == SLOT_MEMORY)
        return memory_call(object, method, words, extras);
    return object->kind == SLOT_ENDPOINT ? endpoint_call(object, method, words, extras) : ERR_WRONG_KIND;
}

// --- calls
// ----------------------------------------------------------------------------------------------------------
static void call_finish(struct machine_call_state *state, error_t status, const struct reply *reply) {
    struct machine_call *call = state->call;
    call->is_done = true;
    call->status = status;
    if (status == ERR_OK) {
        memcpy(call->words, reply->words, reply->word_count * sizeof(uint64_t));
        for (unsigned i = 0; i < reply->cap_count; i++) {
            cap_t cap = reply->caps[i] & ~SEND_CAP_MOVE;
            if (cap != 0 && (reply->caps[i] & SEND_CAP_MOVE) == 0)
                cap = slot_fill(table[cap]);
            call->caps[i] = cap;
        }
    }
    call->state = NULL;
    struct object *session = state->session;
    free(state);
    object_drop(session);
}

// Runs the handler of the session's server. The state is gone afterwards unless the request was put aside.
static void call_run(struct machine_call_state *state) {
    struct request *request = &state->request;
    struct machine_server *server = &servers[state->session->server];
    CHECK(++depth < DEPTH_MAX);
    error_t status = server->dispatch(request);
    depth--;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        slot_release(request->caps[i]);
    enum request_state after = request->state;
    if (after == REQUEST_FORWARDED) // another state has the caller and the rest
        free(state);
    if (after != REQUEST_OPEN)
        return;
    call_finish(state, status, &request->reply);
}

static struct machine_call_state *state_make(struct object *session, uint64_t tag, const uint64_t *words, unsigned word_count) {
    struct machine_call_state *state = calloc(1, sizeof(*state));
    static uint64_t count;
    state->session = session;
    session->references++;
    state->request = (struct request){.badge = session->badge, .tag = tag, .words = state->words};
    state->request.number_thread = 1;
    state->request.number_count = ++count;
    state->request.reply.words = state->words;
    memcpy(state->words, words, word_count * sizeof(*words));
    return state;
}

void machine_send(struct machine_call *call, cap_t target, const struct ipc_shape *shape, const uint64_t *words,
                  const struct ipc_extras *extras) {
    *call = (struct machine_call){0};
    struct object *session = slot_object(target, SLOT_SESSION);
    if (session == NULL) {
        *call = (struct machine_call){.is_done = true, .status = ERR_BAD_CAPABILITY};
        return;
    }
    unsigned caps = 0;
    while (extras != NULL && caps < shape->caps_in && extras->caps[caps] != 0)
        caps++;
    uint64_t tag = TAG(shape->method, shape->words_in);
    tag |= (uint64_t)caps << TAG_CAPS_SHIFT;
    tag |= (shape->reads_max != 0 ? TAG_LEND_READ : 0) | (shape->writes_max != 0 ? TAG_LEND_WRITE : 0);
    struct machine_call_state *state = state_make(session, tag, words, shape->words_in);
    state->call = call;
    call->state = state;
    for (unsigned i = 0; i < caps; i++) {
        bool moves = (shape->moves >> i & 1) != 0;
        state->request.caps[i] = moves ? extras->caps[i] : slot_fill(table[extras->caps[i]]);
    }
    if (extras != NULL) {
        state->read = extras->read_address;
        state->write = extras->write_address;
        state->request.lent_read_length = extras->read_size;
        state->request.lent_write_length = extras->write_size;
    }
    call_run(state);
}

void machine_cancel(struct machine_call *call) {
    if (call->is_done)
        return;
    struct deferred *deferred = call->state->deferred;
    CHECK(deferred != NULL && deferred->cancelled != NULL);
    deferred->cancelled(deferred);
    CHECK(call->is_done);
}

error_t ipc_call(cap_t target, const struct ipc_shape *shape, uint64_t *words, struct ipc_extras *extras) {
    struct machine_call call;
    if (shape->kernel)
        return kernel_call(target, shape->method, words, extras);
    for (;;) {
        machine_send(&call, target, shape, words, extras);
        CHECK(call.is_done); // the test would wait for ever
        if (call.status != ERR_PAGE_MISSING)
            break;
    }
    if (call.status != ERR_OK)
        return call.status;
    memcpy(words, call.words, shape->words_out * sizeof(*words));
    for (unsigned i = 0; i < MESSAGE_CAPS && extras != NULL; i++)
        extras->caps[i] = i < shape->caps_out ? call.caps[i] : 0;
    return ERR_OK;
}

// ipc_exchange is set, so that a call without extras comes here at once.
error_t ipc_call_unusual(cap_t target, const struct ipc_shape *shape, uint64_t *words, error_t error,
                         const struct ipc_registers *registers) {
    CHECK(registers == NULL && error == ERR_OK);
    uint64_t copy[MESSAGE_WORDS] = {0};
    memcpy(copy, words, MESSAGE_REGISTER_WORDS * sizeof(*words));
    error = ipc_call(target, shape, copy, NULL);
    memcpy(words, copy, MESSAGE_REGISTER_WORDS * sizeof(*words));
    return error;
}

error_t system_call(int32_t number, struct ipc_registers *registers) {
    (void)number;
    (void)registers;
    abort();
}

void ipc_give_cap(cap_t *wanted, cap_t received) {
    if (wanted != NULL)
        *wanted = received;
    else
        slot_release(received);
}

// --- requests
// -------------------------------------------------------------------------------------------------------
static struct machine_call_state *state_of(struct request *request) {
    return (struct machine_call_state *)request;
}

static bool copy_fails(void) {
    return machine_copy_failures != 0 && (unsigned)rand() % machine_copy_failures == 0;
}

static error_t copy(struct machine_call_state *state, bool to_caller, uint64_t offset, void *own, uint64_t length) {
    uint64_t lent = to_caller ? state->request.lent_write_length : state->request.lent_read_length;
    if (offset > lent || length > lent - offset)
        return ERR_INVALID;
    if (length == 0)
        return ERR_OK; // no call to the kernel
    if (copy_fails())
        return ERR_PAGE_MISSING;
    if (to_caller)
        memcpy(state->write + offset, own, length);
    else
        memcpy(own, state->read + offset, length);
    return ERR_OK;
}

error_t request_copy_in(struct request *request, uint64_t offset, void *to, uint64_t length) {
    return copy(state_of(request), false, offset, to, length);
}

error_t request_copy_in_unnoted(struct request *request, uint64_t offset, void *to, uint64_t length) {
    return request_copy_in(request, offset, to, length);
}

error_t request_copy_out(struct request *request, uint64_t offset, const void *from, uint64_t length) {
    return copy(state_of(request), true, offset, (void *)(uintptr_t)from, length);
}

// Nothing is kept here.
uint64_t kept_commits(void) {
    return 1;
}

void kept_fresh(void *address, uint64_t bytes) {
    (void)address;
    (void)bytes;
}

void kept_note(const void *address, uint64_t bytes) {
    (void)address;
    (void)bytes;
}

static void *memory_range(cap_t memory, uint64_t offset, uint64_t length) {
    struct object *object = slot_object(memory, SLOT_MEMORY);
    CHECK(object != NULL && offset <= object->length && length <= object->length - offset);
    return object->bytes + offset;
}

error_t request_copy_in_memory(struct request *request, uint64_t offset, cap_t memory, uint64_t memory_offset, uint64_t length) {
    return copy(state_of(request), false, offset, memory_range(memory, memory_offset, length), length);
}

error_t request_copy_out_memory(struct request *request, uint64_t offset, cap_t memory, uint64_t memory_offset, uint64_t length) {
    return copy(state_of(request), true, offset, memory_range(memory, memory_offset, length), length);
}

cap_t request_keep(struct request *request, cap_t cap) {
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        if (request->caps[i] == cap)
            request->caps[i] = 0;
    return cap;
}

error_t request_defer(struct request *request, struct deferred *deferred) {
    struct machine_call_state *state = state_of(request);
    struct object *reply = object_make(SLOT_REPLY);
    reply->call = state;
    *deferred = (struct deferred){.reply = slot_fill(reply), .badge = request->badge};
    deferred->lent_read_length = request->lent_read_length;
    deferred->lent_write_length = request->lent_write_length;
    state->deferred = deferred;
    request->state = REQUEST_DEFERRED;
    return ERR_OK;
}

static struct machine_call_state *deferred_state(const struct deferred *deferred) {
    struct object *reply = slot_object(deferred->reply, SLOT_REPLY);
    CHECK(reply != NULL);
    return reply->call;
}

error_t deferred_copy_in(struct deferred *deferred, uint64_t offset, void *to, uint64_t length) {
    return copy(deferred_state(deferred), false, offset, to, length);
}

error_t deferred_copy_in_unnoted(struct deferred *deferred, uint64_t offset, void *to, uint64_t length) {
    return deferred_copy_in(deferred, offset, to, length);
}

error_t deferred_copy_out(struct deferred *deferred, uint64_t offset, const void *from, uint64_t length) {
    return copy(deferred_state(deferred), true, offset, (void *)(uintptr_t)from, length);
}

error_t request_answer(struct deferred *deferred, error_t status, const struct reply *reply) {
    struct machine_call_state *state = deferred_state(deferred);
    slot_release(deferred->reply);
    deferred->reply = 0;
    call_finish(state, status, reply);
    return ERR_OK;
}

// The next server answers the same caller, now.
error_t request_forward(struct request *request, cap_t session, const struct ipc_shape *shape, const uint64_t *words) {
    struct machine_call_state *state = state_of(request);
    struct object *target = slot_object(session, SLOT_SESSION);
    if (target == NULL)
        return ERR_BAD_CAPABILITY;
    uint64_t lends = request->tag & (TAG_LEND_READ | TAG_LEND_WRITE);
    struct machine_call_state *next = state_make(target, (TAG(shape->method, shape->words_in)) | lends, words, shape->words_in);
    next->read = state->read;
    next->write = state->write;
    next->request.lent_read_length = request->lent_read_length;
    next->request.lent_write_length = request->lent_write_length;
    next->call = state->call;
    next->call->state = next;
    request->state = REQUEST_FORWARDED;
    struct object *before = state->session;
    call_run(next);
    object_drop(before);
    return ERR_OK;
}

// No handler waits here.
bool server_serves(uint64_t badge) {
    (void)badge;
    return false;
}

error_t server_create_session(struct server *server, uint64_t badge, cap_t *session) {
    return endpoint_create_session(server->endpoint, badge, session);
}

// Handing over is tried in the guest (tests/fault); here only its records.
void server_hands_over(struct server *server, void (*prepare)(void), error_t (*give)(struct handover *handover),
                       error_t (*take)(struct handover *handover)) {
    (void)server;
    (void)prepare;
    (void)give;
    (void)take;
}

bool server_takes_over(struct server *server, const struct startup *startup) {
    (void)server;
    (void)startup;
    return false;
}

void handover_claim(cap_t slot) {
    (void)slot;
}

error_t server_run(struct server *server) {
    (void)server;
    abort();
}

// --- fibers: nothing waits, so a lock is never contended
// --------------------------------------------------------------
void fiber_lock_exclusive(struct fiber_lock *lock) {
    CHECK(!lock->exclusive && lock->shared == 0);
    lock->exclusive = true;
}

void fiber_unlock(struct fiber_lock *lock) {
    CHECK(lock->exclusive);
    lock->exclusive = false;
}

// --- time and start
// ---------------------------------------------------------------------------------------------------
uint64_t clock_monotonic(void) {
    return machine_time;
}

uint64_t clock_wall(void) {
    return machine_time;
}

cap_t startup_capability(const char *name) {
    for (unsigned i = 0; i < name_count; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].capability;
    return 0;
}

void machine_name_capability(const char *name, cap_t capability) {
    CHECK(name_count < NAMES);
    names[name_count].name = name;
    names[name_count++].capability = capability;
}

void machine_forget_names(void) {
    while (name_count > 0)
        slot_release(names[--name_count].capability);
}

void machine_add_server(struct machine_server *added) {
    CHECK(server_count < SERVERS);
    struct object *endpoint = object_make(SLOT_ENDPOINT);
    endpoint->server = server_count;
    servers[server_count++] = *added;
    added->server->endpoint = slot_fill(endpoint);
}

cap_t machine_session(struct server *server, const char *badge_name) {
    cap_t session;
    CHECK(endpoint_create_session(server->endpoint, startup_badge(badge_name), &session) == ERR_OK);
    return session;
}

// The heap is the host's.
void heap_fill(void) {}
