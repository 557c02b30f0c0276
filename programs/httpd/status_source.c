// See status_source.h. Who may call whom is what init installed in the roles' tables.
#include "programs/httpd/status_source.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"

static uint64_t uptime_ms(void) {
    return clock_monotonic() / 1000000;
}

bool status_machine_read(struct status_machine *machine) {
    struct kernel_information information;
    if (kernel_information(SLOT_KERNEL, &information) != ERR_OK)
        return false;
    *machine = (struct status_machine){.total_bytes = information.total_bytes,
                                       .free_bytes = information.free_bytes,
                                       .kernel_bytes = information.kernel_bytes,
                                       .processes = information.processes,
                                       .threads = information.threads,
                                       .messages = information.messages,
                                       .switches = information.switches,
                                       .interrupts = information.interrupts,
                                       .idle_ms = information.idle_time / 1000000,
                                       .cpus = information.cpus,
                                       .uptime_ms = uptime_ms()};
    return true;
}

static const char *word(const char *const *words, uint32_t count, uint32_t number) {
    return number < count ? words[number] : "unknown";
}

// Lines "NAME ROLE"; the role is what counts.
static void calls_fill(cap_t session, const char *name, struct buffer *calls) {
    char text[4096];
    uint64_t length = 0;
    buffer_clear(calls);
    if (service_capabilities(session, name, strlen(name), text, sizeof(text), &length) != ERR_OK)
        return;
    for (uint64_t at = 0; at < length;) {
        uint64_t start = at, blank = at;
        for (; at < length && text[at] != '\n'; at++)
            if (text[at] == ' ')
                blank = at + 1;
        if (blank != start) {
            buffer_append(calls, text + blank, at - blank);
            buffer_append_byte(calls, '\n');
        }
        at++;
    }
}

bool status_role_next(uint64_t *cursor, struct status_role *role) {
    static const char *const states[] = {"waiting", "starting", "running", "stopped", "restarting", "failed"};
    static const char *const causes[] = {"-", "exit", "fault", "killed", "hung", "reloaded"};
    cap_t session = startup_capability("service");
    struct service_status status;
    if (session == 0 || service_next(session, *cursor, cursor, &status) != ERR_OK)
        return false;
    memcpy(role->name, status.name, 32);
    role->name[32] = '\0';
    role->state = word(states, sizeof(states) / sizeof(states[0]), status.state);
    role->cause = word(causes, sizeof(causes) / sizeof(causes[0]), status.cause);
    role->restarts = status.restarts;
    role->recovery_us = status.recovery_time / 1000;
    role->queued = status.queued;
    role->uptime_ms = uptime_ms() - status.started / 1000000;
    role->memory_bytes = status.memory_bytes;
    role->cpu_us = status.cpu_time / 1000;
    role->priority = status.priority;
    calls_fill(session, role->name, &role->calls);
    return true;
}
