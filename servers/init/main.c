// The first process: makes the roles of the manifest, starts them, and keeps them. See README.md.
#include "kernel/abi/capability.h"
#include "kernel/abi/message.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "libipc/server/server.h"
#include "libipc/server/timer.h"
#include "servers/init/crash.h"
#include "servers/init/report.h"
#include "servers/init/role.h"
#include "servers/init/service_ops.h"
#include "servers/init/watch.h"

static struct manifest manifest;
static struct server server;
struct timer init_timer;

void init_main(struct message_page *page); // start.asm

// Roles whose pause is over start again; those that hang are ended.
void init_resume(struct timer *timer) {
    uint64_t now = report_time(), look = roles_watch(now), next = roles_resume(now);
    timer_set(timer, next && next < look ? next : look, init_resume);
}

static error_t keep(struct request *request) {
    if (request->badge >= role_count)
        return ERR_INVALID;
    struct role *role = &roles[request->badge];
    uint64_t now = report_time();
    if (tag_method(request->tag) == EVENT_FAULT) {
        role->fault_address = request->words[FAULT_WORD_RIP];
        static struct crash crash;
        bool was_point = role->has_point;
        if (!was_point)
            crash_collect(&crash, role);
        role_ended(role, was_point ? SERVICE_CAUSE_KILLED : SERVICE_CAUSE_FAULT, now);
        if (!was_point)
            crash_report(role, &crash, request->words);
    } else if (tag_method(request->tag) == EVENT_EXIT && role->next.template &&
               (uint32_t)request->words[0] == STARTUP_HANDED_OVER) {
        role_handed_over(role, (cap_t)(request->words[0] >> 32), now);
    } else if (tag_method(request->tag) == EVENT_EXIT && role->next.template && request->words[0] == STARTUP_KEEPS_ROLE) {
        role_keeps(role, ERR_NOT_SUPPORTED, now);
    } else if (tag_method(request->tag) == EVENT_EXIT) {
        role->refused = (request->words[0] == STARTUP_REFUSED || request->words[0] == STARTUP_NOT_TAKEN) && role->has_memory;
        report(role->refused ? "%s found what it was given not to be whole" : "%s exited with status %llu", role->entry->name,
               (unsigned long long)request->words[0]);
        role_ended(role, SERVICE_CAUSE_EXIT, now);
    }
    init_resume(&init_timer);
    return ERR_OK;
}

static error_t dispatch(struct request *request) {
    return service_dispatch(&init_service_ops, request);
}

static error_t start(void) {
    const char *text;
    size_t length;
    error_t error = image_start();
    if (!error)
        error = image_find("etc/manifest", &text, &length);
    if (error) {
        report("the initrd holds no etc/manifest (error %d)", error);
        return error;
    }
    error = manifest_parse(&manifest, text, length);
    if (error) {
        report("etc/manifest:%u: %s", manifest.error_line, manifest.error);
        return error;
    }
    error = account_create_endpoint(SLOT_ACCOUNT, &server.endpoint);
    if (!error)
        error = roles_make(&manifest, server.endpoint);
    for (uint32_t i = 0; !error && i < role_count; i++)
        if (role_start(&roles[i]) && !roles[i].entry->optional)
            error = ERR_NOT_EXECUTABLE;
    return error;
}

void init_main(struct message_page *page) {
    ipc_page = page;
    for (cap_t slot = 1; slot < BOOT_SLOT_FIRST_FREE; slot++)
        slot_reserve(slot);
    uint64_t clock;
    if (process_map(SLOT_SELF, 0, 4096, 0, MAP_FLAG_READ, SLOT_CLOCK, &clock) == ERR_OK)
        ipc_clock_page = (const volatile struct clock_page *)clock; // NOLINT(performance-no-int-to-ptr)
    server.dispatch = dispatch;
    server.event = keep;
    error_t error = start();
    init_resume(&init_timer);
    if (!error)
        error = server_run(&server);
    report("init can't go on: error %d", error);
    for (;;) // nothing is left to do, and nobody to tell
        (void)system_call(SYS_WAIT, &(struct ipc_registers){.target = server.notification});
}
