// See status_source.h. Who may call whom is what init installed in the roles' tables.
#include "programs/httpd/status_source.h"

#include <stdio.h>
#include <string.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"

static uint64_t uptime_ms(void) {
    return clock_monotonic() / 1000000;
}

static void figure_take(struct status_machine *machine, const char *key, uint64_t value) {
    const struct {
        const char *key;
        uint64_t *place;
    } figures[] = {
        {"total_bytes", &machine->total_bytes}, {"free_bytes", &machine->free_bytes}, {"kernel_bytes", &machine->kernel_bytes},
        {"processes", &machine->processes},     {"threads", &machine->threads},       {"messages", &machine->messages},
        {"switches", &machine->switches},       {"interrupts", &machine->interrupts}, {"cpus", &machine->cpus},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        if (strcmp(key, figures[i].key) == 0)
            *figures[i].place = value;
}

// From /proc, which a program may read that holds no right to ask the kernel.
bool status_machine_read(struct status_machine *machine) {
    char key[64];
    unsigned long long value, seconds, hundredths;
    *machine = (struct status_machine){.cpus = 1, .uptime_ms = uptime_ms()};
    FILE *file = fopen("/proc/memory", "r");
    if (!file)
        return false;
    while (fscanf(file, "%63s %llu", key, &value) == 2)
        figure_take(machine, key, value);
    fclose(file);
    file = fopen("/proc/uptime", "r");
    if (file && fscanf(file, "%*u.%*u %llu.%llu", &seconds, &hundredths) == 2)
        machine->idle_ms = seconds * 1000 + hundredths * 10;
    if (file)
        fclose(file);
    return machine->total_bytes != 0;
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
    static const char *const causes[] = {"-", "exit", "fault", "killed", "hung", "reloaded", "lied"};
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
