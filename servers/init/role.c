// Making roles and starting actors; see role.h. Every multi-step acquisition stops at the first error: at boot that is the
// machine's end, at a restart the role is given up.
#include "servers/init/role.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/notification.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "libipc/server/server.h"
#include "servers/init/report.h"

enum { PAGE = 4096, STACK_BYTES = 64 * 1024, STARTUP_BYTES = 2 * PAGE, FAULTS_MAX = 10, FAULTS_DROP = 4, BLAME_MOST = 2 };

#define NO_LIMIT (UINT64_C(1) << 50)

struct role roles[MANIFEST_ROLES];
uint32_t role_count;
static cap_t keeper_endpoint; // init's own

static struct startup_block {
    struct startup head;
    struct startup_capability capabilities[MANIFEST_SESSIONS + MANIFEST_BOOT + 5];
    char strings[1024];
} block;

static error_t install(struct role *role, cap_t from, cap_t to, uint16_t rights) {
    return process_install(role->process, to, rights, from);
}

// Lists a capability in the startup block and, at the role's making, installs it.
static error_t add(struct role *role, const char *name, cap_t from, uint16_t rights, bool installing) {
    struct startup_capability *entry = &block.capabilities[block.head.capability_count];
    *entry = (struct startup_capability){.slot = STARTUP_FIRST_FREE_SLOT + block.head.capability_count};
    strncpy(entry->name, name, STARTUP_NAME_BYTES - 1);
    block.head.capability_count++;
    return installing ? install(role, from, entry->slot, rights) : ERR_OK;
}

static error_t add_session(struct role *role, const char *name, cap_t endpoint, const char *badge, bool installing) {
    cap_t made = 0;
    error_t error = installing ? endpoint_create_session(endpoint, startup_badge(badge), &made) : ERR_OK;
    if (!error)
        error = add(role, name, made, 0, installing);
    if (made)
        slot_release(made);
    return error;
}

static error_t add_sessions(struct role *role, bool installing) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; !error && i < role->entry->session_count; i++) {
        const struct manifest_session *session = &role->entry->sessions[i];
        cap_t endpoint = session->role_index == MANIFEST_INIT ? keeper_endpoint : roles[session->role_index].endpoint;
        error = add_session(role, session->name, endpoint, session->badge, installing);
    }
    return error;
}

// The startup block lists the same capabilities in the same slots for every actor of the role.
static error_t describe(struct role *role, bool installing) {
    memset(&block, 0, sizeof(block));
    block.head = (struct startup){
        .magic = STARTUP_MAGIC,
        .version = STARTUP_VERSION,
        .length = sizeof(block),
        .image_base = role->image.base,
        .is_restart = role->has_memory     ? RESTART_MEMORY
                      : role->restarts > 0 ? RESTART_TABLE
                                           : RESTART_NONE,
        .flags = role->entry->keep ? STARTUP_KEEP | (uint32_t)(role->entry->log >> 10) << STARTUP_LOG_SHIFT : 0,
        .capability_offset = offsetof(struct startup_block, capabilities),
        .strings_offset = offsetof(struct startup_block, strings),
    };
    error_t error = add(role, "endpoint", role->endpoint, 0, installing);
    if (!error)
        error = add(role, "notification", role->notification, 0, installing);
    if (!error && role->state)
        error = add(role, "state", role->state, 0, installing);
    if (!error)
        error = add_sessions(role, installing);
    for (uint32_t i = 0; !error && i < role->entry->boot_count; i++) {
        const struct manifest_boot *boot = &role->entry->boot[i];
        error = add(role, boot->name, boot->slot, boot->rights, installing);
    }
    if (!error)
        error = add_session(role, "blame", keeper_endpoint, role->entry->name, installing);
    if (!error && role->takes_over) {
        error = add(role, "handover", 0, 0, false);
        block.capabilities[block.head.capability_count - 1].slot = role->records;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < role->entry->argument_count; i++) {
        size_t length = strlen(role->entry->arguments[i]) + 1;
        if (at + length > sizeof(block.strings))
            return ERR_TOO_BIG;
        memcpy(block.strings + at, role->entry->arguments[i], length);
        at += length;
    }
    block.head.argument_count = role->entry->argument_count;
    block.head.strings_length = (uint32_t)at;
    strncpy(block.head.name, role->entry->name, STARTUP_NAME_BYTES - 1);
    return error;
}

static error_t make_objects(struct role *role, uint32_t index) {
    uint64_t quota = role->entry->memory == MANIFEST_ALL_MEMORY ? NO_LIMIT : role->entry->memory;
    cap_t session;
    error_t error = account_create_account(SLOT_ACCOUNT, quota, role->entry->priority, &role->account);
    if (!error)
        error = account_create_process(role->account, &role->process);
    if (!error)
        error = account_create_endpoint(role->account, &role->endpoint);
    if (!error)
        error = account_create_notification(role->account, &role->notification);
    if (!error && role->entry->state)
        error = account_create_memory(role->account, role->entry->state, &role->state);
    if (!error)
        error = endpoint_create_session(keeper_endpoint, index, &session);
    if (error)
        return error;
    error = process_set_keeper(role->process, session);
    slot_release(session);
    return error;
}

static error_t fill_table(struct role *role) {
    error_t error = install(role, role->process, SLOT_SELF, 0);
    if (!error)
        error = install(role, role->account, SLOT_ACCOUNT, RIGHTS_ALL & ~RIGHT_MINT);
    if (!error)
        error = install(role, SLOT_KERNEL, SLOT_KERNEL, role->entry->kernel_rights);
    if (!error)
        error = install(role, SLOT_CLOCK, SLOT_CLOCK, 0);
    return error ? error : describe(role, true);
}

error_t roles_make(const struct manifest *manifest, cap_t keeper) {
    role_count = manifest->role_count;
    keeper_endpoint = keeper;
    for (uint32_t i = 0; i < role_count; i++) {
        struct role *role = &roles[i];
        role->entry = &manifest->roles[i];
        error_t error = make_objects(role, i);
        if (error) {
            report("role %s can't be made: error %d", role->entry->name, error);
            return error;
        }
    }
    for (uint32_t i = 0; i < role_count; i++) {
        error_t error = fill_table(&roles[i]);
        if (error) {
            report("role %s: its capabilities can't be installed: error %d", roles[i].entry->name, error);
            return error;
        }
    }
    return ERR_OK;
}

static error_t map_new(struct role *role, uint64_t length, uint64_t flags, cap_t *memory, uint64_t *address) {
    error_t error = account_create_memory(role->account, length, memory);
    if (!error)
        error = process_map(role->process, 0, length, 0, flags, *memory, address);
    return error;
}

static error_t load_image(struct role *role) {
    const char *file;
    size_t length;
    if (role->image.template)
        return ERR_OK;
    error_t error = image_find(role->entry->arguments[0], &file, &length);
    return error ? error : image_load(&role->image, file, length);
}

// A new address space for the actor.
static error_t make_space(struct role *role) {
    uint64_t stack = 0;
    cap_t stack_memory = 0;
    error_t error = load_image(role);
    if (!error)
        error = process_clone_space(role->process, role->image.template);
    if (!error)
        error = map_new(role, STACK_BYTES, MAP_FLAG_READ | MAP_FLAG_WRITE, &stack_memory, &stack);
    if (stack_memory)
        slot_release(stack_memory);
    if (role->startup_memory)
        slot_release(role->startup_memory);
    role->startup_memory = 0;
    if (!error)
        error = map_new(role, STARTUP_BYTES, MAP_FLAG_READ, &role->startup_memory, &role->startup);
    if (!error)
        error = process_map(role->process, 0, PAGE, 0, MAP_FLAG_READ, SLOT_CLOCK, &role->clock);
    role->stack = stack + STACK_BYTES;
    role->message_page = 0; // the kernel chooses
    return error;
}

// The request in service when an actor fails is to blame if it is the same the next time.
static void note_blamed(struct role *role) {
    struct thread_information information;
    struct blamed *blamed = &role->blamed;
    if (!role->thread || thread_information(role->thread, &information) || !information.served_serial) {
        *blamed = (struct blamed){0};
        return;
    }
    bool same = blamed->thread == information.served_serial && blamed->count == information.served_count;
    *blamed = (struct blamed){information.served_serial, information.served_count, same ? blamed->times + 1 : 1};
    if (blamed->times >= BLAME_MOST)
        report("request %llu.%llu is refused: %s failed %u times while it served it", (unsigned long long)blamed->thread,
               (unsigned long long)blamed->count, role->entry->name, blamed->times);
}

// The next actor refuses a request that two before it failed at. A program without a loop of libipc's can't be told.
static error_t tell_blamed(struct role *role) {
    uint64_t address = image_object(&role->image, "server_refuses"), count;
    const struct server_refuses refuses = {role->blamed.thread, role->blamed.count};
    if (role->blamed.times < BLAME_MOST || !address)
        return ERR_OK;
    return process_poke(role->process, address, &refuses, sizeof(refuses), &count);
}

static error_t start_actor(struct role *role) {
    uint64_t count;
    error_t error = role->has_memory ? process_unmap(role->process, role->message_page, PAGE) : make_space(role);
    if (!error && role->has_memory && role->fresh_text)
        error = image_refresh(&role->image, role->process);
    role->fresh_text = false;
    if (!error)
        error = process_create_thread(role->process, role->image.entry, role->stack, role->startup, role->entry->priority,
                                      role->message_page, role->entry->fpu, &role->message_page, &role->thread);
    if (!error && role->entry->gathers)
        error = thread_set_priority(role->thread, role->entry->priority, 2);
    if (!error)
        error = describe(role, false);
    block.head.message_page = role->message_page;
    block.head.clock_page = role->clock;
    if (!error)
        error = memory_write(role->startup_memory, 0, &block, sizeof(block), &count);
    if (!error)
        error = process_slot_delete(role->process, SLOT_THREAD);
    if (!error)
        error = install(role, role->thread, SLOT_THREAD, 0);
    if (!error)
        error = tell_blamed(role);
    if (!error)
        error = thread_start(role->thread);
    return error;
}

error_t role_start(struct role *role) {
    error_t error = start_actor(role);
    role->restart_at = 0;
    role->started = report_time();
    role->phase = error ? SERVICE_STATE_FAILED : SERVICE_STATE_RUNNING;
    role->has_memory = !error && role->entry->keep;
    role->takes_over = false;
    role->watch = (struct watch){.ping = role->watch.ping, .is_pinged = role->watch.is_pinged};
    role->giving = (struct giving){0};
    if (error)
        report("role %s can't be started: error %d", role->entry->name, error);
    return error;
}

static void end_actor(struct role *role, uint32_t cause, bool keeps_memory) {
    if (role->thread) {
        slot_release(role->thread);
        role->thread = 0;
    }
    role->has_memory = keeps_memory && role->has_memory && process_end_threads(role->process) == ERR_OK;
    if (!role->has_memory)
        (void)process_reset(role->process);
    role->had_memory = role->has_memory;
    role->cause = cause;
    role->phase = SERVICE_STATE_STOPPED;
}

// The actor will not hand over to it any more.
static void drop_next(struct role *role, error_t reason) {
    if (!role->next.template)
        return;
    image_release(&role->next);
    role->next = (struct image){0};
    (void)service_reload_answer(&role->reloader, reason, NULL);
}

void role_stop(struct role *role, uint32_t cause) {
    drop_next(role, ERR_BUSY);
    end_actor(role, cause, false);
}

void role_ended(struct role *role, uint32_t cause, uint64_t now) {
    drop_next(role, ERR_BUSY);
    bool own_fault = (cause == SERVICE_CAUSE_FAULT || cause == SERVICE_CAUSE_EXIT || cause == SERVICE_CAUSE_HUNG ||
                      cause == SERVICE_CAUSE_LIED) &&
                     !role->has_point;
    if (own_fault)
        note_blamed(role);
    role->faults = own_fault && now - role->started < 10 * SECOND ? role->faults + 1 : own_fault;
    if (own_fault && role->blamed.times == BLAME_MOST)
        role->faults = 1; // the next actor refuses what it was
    role->has_point = false;
    bool keeps = !role->refused && role->faults < FAULTS_DROP;
    if (own_fault && role->previous.template && (now < role->reloaded_at + SECOND || role_is_taking(role))) {
        report("the new program of %s did not work: the one before comes back", role->entry->name);
        image_release(&role->failed);
        role->failed = role->image;
        role->image = role->previous;
        role->previous = (struct image){0};
        role->faults = 1;
        role->takes_over = role->records != 0;
        keeps = false;
    }
    if (role->has_memory && !keeps && !role->takes_over)
        report("%s goes on without its memory", role->entry->name);
    role->refused = false;
    end_actor(role, cause, keeps);
    role->fresh_text = own_fault;
    role->ended = now;
    role->restarts++;
    if (role->faults > FAULTS_MAX) {
        role->phase = SERVICE_STATE_FAILED;
        report("role %s failed %u times in a row and is given up", role->entry->name, role->faults);
        return;
    }
    if (role->faults > 1) {
        uint64_t pause = SECOND / 1000 << (role->faults - 2);
        role->phase = SERVICE_STATE_RESTARTING;
        role->restart_at = now + (pause < SECOND ? pause : SECOND);
        return;
    }
    if (role_start(role) == ERR_OK)
        role->recovery_time = report_time() - now;
}

// The actor looks at `server_point` after each wait; the signal ends the present one.
error_t role_hand_over(struct role *role, const struct image *next, uint64_t now) {
    const struct server_point point = {.event = POINT_HANDOVER};
    uint64_t address = image_object(&role->image, "server_point"), count;
    if (role->phase != SERVICE_STATE_RUNNING || role->next.template || !address)
        return ERR_BUSY;
    error_t error = process_poke(role->process, address, &point, sizeof(point), &count);
    if (error)
        return error;
    role->next = *next;
    role->ended = now; // it serves nobody from here on
    role->giving = (struct giving){0};
    return notification_signal(role->notification, UINT64_C(1) << 63);
}

void role_handed_over(struct role *role, cap_t records, uint64_t now) {
    image_release(&role->previous);
    role->previous = role->image;
    role->image = role->next;
    role->next = (struct image){0};
    role->reloaded_at = now;
    role->reloaded = true;
    role->faults = 0;
    if (role->records)
        (void)process_slot_delete(role->process, role->records);
    role->records = records;
    role->takes_over = true;
    end_actor(role, SERVICE_CAUSE_RELOADED, false);
    role->restarts++;
    error_t error = role_start(role);
    role->recovery_time = report_time() - role->ended;
    (void)service_reload_answer(&role->reloader, error, &(struct service_reload_out){0});
    if (error) // the new one can't even be started
        role_ended(role, SERVICE_CAUSE_EXIT, now);
}

void role_keeps(struct role *role, error_t reason, uint64_t now) {
    report("%s does not hand over (error %d), and goes on as it was", role->entry->name, reason);
    drop_next(role, reason);
    role_ended(role, SERVICE_CAUSE_KILLED, now);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t roles_resume(uint64_t now) {
    uint64_t next = 0;
    for (uint32_t i = 0; i < role_count; i++) {
        struct role *role = &roles[i];
        if (role->restart_at && role->restart_at <= now)
            (void)role_start(role);
        next = earlier(next, role->restart_at);
    }
    return next;
}

struct role *role_find(const char *name) {
    for (uint32_t i = 0; i < role_count; i++)
        if (strcmp(roles[i].entry->name, name) == 0)
            return &roles[i];
    return NULL;
}

bool role_peek(const struct role *role, uint64_t address, void *to, uint64_t bytes) {
    uint64_t count = 0;
    return address && process_peek(role->process, address, to, bytes, &count) == ERR_OK && count == bytes;
}

bool role_is_taking(const struct role *role) {
    bool taking = false;
    uint64_t address = image_object(&role->image, "loop");
    return address && role_peek(role, address + offsetof(struct loop, taking), &taking, sizeof(taking)) && taking;
}
