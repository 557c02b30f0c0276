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
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "servers/init/report.h"

enum { PAGE = 4096, STACK_BYTES = 64 * 1024, STARTUP_BYTES = 2 * PAGE, FAULTS_MAX = 10 };

#define SECOND   UINT64_C(1000000000)
#define NO_LIMIT (UINT64_C(1) << 50)

struct role roles[MANIFEST_ROLES];
uint32_t role_count;
static cap_t keeper_endpoint; // init's own

static struct startup_block {
    struct startup head;
    struct startup_capability capabilities[MANIFEST_SESSIONS + MANIFEST_BOOT + 3];
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

static error_t add_sessions(struct role *role, bool installing) {
    for (uint32_t i = 0; i < role->entry->session_count; i++) {
        const struct manifest_session *session = &role->entry->sessions[i];
        cap_t made = 0;
        error_t error = ERR_OK;
        cap_t endpoint =
            session->role_index == MANIFEST_INIT ? keeper_endpoint : roles[session->role_index].endpoint;
        if (installing)
            error = endpoint_create_session(endpoint, startup_badge(session->badge), &made);
        if (!error)
            error = add(role, session->name, made, 0, installing);
        if (made)
            slot_release(made);
        if (error)
            return error;
    }
    return ERR_OK;
}

// The startup block lists the same capabilities in the same slots for every actor of the role.
static error_t describe(struct role *role, bool installing) {
    memset(&block, 0, sizeof(block));
    block.head = (struct startup){
        .magic = STARTUP_MAGIC,
        .version = STARTUP_VERSION,
        .length = sizeof(block),
        .image_base = role->image.base,
        .is_restart = role->restarts > 0,
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

static error_t start_actor(struct role *role) {
    uint64_t stack, clock = 0, startup, message_page = 0, count;
    cap_t stack_memory = 0, startup_memory = 0;
    error_t error = load_image(role);
    if (!error)
        error = process_clone_space(role->process, role->image.template);
    if (!error)
        error = map_new(role, STACK_BYTES, MAP_FLAG_READ | MAP_FLAG_WRITE, &stack_memory, &stack);
    if (!error)
        error = map_new(role, STARTUP_BYTES, MAP_FLAG_READ, &startup_memory, &startup);
    if (!error)
        error = process_map(role->process, 0, PAGE, 0, MAP_FLAG_READ, SLOT_CLOCK, &clock);
    if (!error)
        error = process_create_thread(role->process, role->image.entry, stack + STACK_BYTES, startup,
                                      role->entry->priority, 0, role->entry->fpu, &message_page, &role->thread);
    if (!error)
        error = describe(role, false);
    block.head.message_page = message_page;
    block.head.clock_page = clock;
    if (!error)
        error = memory_write(startup_memory, 0, &block, sizeof(block), &count);
    if (!error)
        error = process_slot_delete(role->process, SLOT_THREAD);
    if (!error)
        error = install(role, role->thread, SLOT_THREAD, 0);
    if (!error)
        error = thread_start(role->thread);
    if (stack_memory)
        slot_release(stack_memory);
    if (startup_memory)
        slot_release(startup_memory);
    return error;
}

error_t role_start(struct role *role) {
    error_t error = start_actor(role);
    role->restart_at = 0;
    role->started = report_time();
    role->phase = error ? SERVICE_STATE_FAILED : SERVICE_STATE_RUNNING;
    if (error)
        report("role %s can't be started: error %d", role->entry->name, error);
    return error;
}

void role_stop(struct role *role, uint32_t cause) {
    if (role->thread) {
        slot_release(role->thread);
        role->thread = 0;
    }
    (void)process_reset(role->process);
    role->cause = cause;
    role->phase = SERVICE_STATE_STOPPED;
}

void role_ended(struct role *role, uint32_t cause, uint64_t now) {
    role_stop(role, cause);
    role->ended = now;
    role->restarts++;
    bool own_fault = cause == SERVICE_CAUSE_FAULT || cause == SERVICE_CAUSE_EXIT;
    role->faults = own_fault && now - role->started < 10 * SECOND ? role->faults + 1 : own_fault;
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

uint64_t roles_resume(uint64_t now) {
    uint64_t next = 0;
    for (uint32_t i = 0; i < role_count; i++) {
        struct role *role = &roles[i];
        if (role->restart_at && role->restart_at <= now)
            (void)role_start(role);
        if (role->restart_at && (next == 0 || role->restart_at < next))
            next = role->restart_at;
    }
    return next;
}

struct role *role_find(const char *name) {
    for (uint32_t i = 0; i < role_count; i++)
        if (strcmp(roles[i].entry->name, name) == 0)
            return &roles[i];
    return NULL;
}
