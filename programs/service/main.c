// service: shows the roles that init keeps, and starts, stops, kills and restarts them. What is shown comes
// from init itself, so it works without /proc; changing needs the session that boot hands to its shells.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"
#include "programs/common/proc.h"
#include "programs/common/program.h"

static const char operands[] =
    "[[show] NAME | {start | stop | kill | restart | log} NAME | reload NAME [FILE] | point NAME EVENT NUMBER]";
static const char details[] = "Without a name: all services. With one: what is known of it.\n"
                              "  show     the same, of a service that is named like one of these words\n"
                              "  start    start it if it does not run\n"
                              "  stop     end it until it is started again; -f also if the machine needs it\n"
                              "  kill     end it as a crash would: init starts another at once\n"
                              "  restart  end it and start another, even after it was given up\n"
                              "  log      what it said (without a name: what all said)\n"
                              "  reload   put the program in FILE in its place; without FILE, the one that it began with\n"
                              "  point    let it end at an event: the NUMBERth receive, reply, commit, output or store;\n"
                              "           or let it spin or stall after its NUMBERth receive, or lose the next request,\n"
                              "           let it sleep, or lie to it\n"
                              "RESTARTED counts the starts after the first, LAST END is what ended the one before,\n"
                              "RECOVERY the time from that end until the next one ran, QUEUE the requests that wait.\n";

static cap_t session;

static const char *state_text(uint32_t state) {
    static const char *const names[] = {"waiting", "starting", "running", "stopped", "restarting", "failed"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static const char *cause_text(uint32_t cause) {
    static const char *const names[] = {"-", "exit", "fault", "killed", "hung", "reloaded", "lied"};
    return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "unknown";
}

// "3:05:12", or "12.5s" below a minute.
static const char *duration_text(uint64_t nanoseconds, char *text, size_t size) {
    unsigned long long tenths = nanoseconds / 100000000, seconds = tenths / 10;
    if (seconds < 60)
        snprintf(text, size, "%llu.%llus", seconds, tenths % 10);
    else
        snprintf(text, size, "%llu:%02llu:%02llu", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return text;
}

static const char *recovery_text(uint64_t nanoseconds, char *text, size_t size) {
    if (nanoseconds == 0)
        return "-";
    snprintf(text, size, "%llu.%03llums", (unsigned long long)nanoseconds / 1000000,
             (unsigned long long)nanoseconds / 1000 % 1000);
    return text;
}

static const char *uptime_text(const struct service_status *status, char *text, size_t size) {
    uint64_t now = clock_monotonic();
    return status->state == SERVICE_STATE_RUNNING ? duration_text(now > status->started ? now - status->started : 0, text, size)
                                                  : "-";
}

static void list(void) {
    struct service_status status;
    char uptime[32], recovery[32];
    uint64_t cursor = 0;
    error_t error;
    printf("%-12s %-10s %9s %9s  %-8s %10s %5s\n", "NAME", "STATE", "UPTIME", "RESTARTED", "LAST END", "RECOVERY", "QUEUE");
    while ((error = service_next(session, cursor, &cursor, &status)) == ERR_OK)
        printf("%-12.32s %-10s %9s %9llu  %-8s %10s %5llu\n", (const char *)status.name, state_text(status.state),
               uptime_text(&status, uptime, sizeof(uptime)), (unsigned long long)status.restarts, cause_text(status.cause),
               recovery_text(status.recovery_time, recovery, sizeof(recovery)), (unsigned long long)status.queued);
    if (error != ERR_NOT_FOUND)
        program_fail(NULL, "init: %s", error_text(-error));
}

static void status_get(const char *name, struct service_status *status) {
    error_t error = service_status(session, name, strlen(name), status);
    if (error == ERR_NOT_FOUND)
        program_fail(name, "no such service");
    if (error != ERR_OK)
        program_fail(name, "%s", error_text(-error));
}

static void print_capabilities(const char *name) {
    static char text[SERVICE_CAPABILITIES_TEXT_MAX];
    uint64_t count;
    const char *label = "may call";
    if (service_capabilities(session, name, strlen(name), text, sizeof(text), &count) != ERR_OK || count > sizeof(text))
        return;
    for (const char *at = text, *end = text + count; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *space = memchr(at, ' ', (size_t)(end - at));
        if (!newline || !space || space > newline)
            return;
        printf("%-12s %.*s (as %.*s)\n", label, (int)(newline - space - 1), space + 1, (int)(space - at), at);
        label = "";
        at = newline + 1;
    }
}

static void show(const char *name) {
    struct service_status status;
    char text[32];
    status_get(name, &status);
    printf("%-12s %.32s%s\n", "service", (const char *)status.name,
           status.flags & SERVICE_FLAG_OPTIONAL ? " (the machine works without it)" : "");
    printf("%-12s %s\n", "state", state_text(status.state));
    printf("%-12s %s\n", "uptime", uptime_text(&status, text, sizeof(text)));
    printf("%-12s %llu\n", "restarted", (unsigned long long)status.restarts);
    printf("%-12s %s", "last end", cause_text(status.cause));
    if (status.cause == SERVICE_CAUSE_FAULT)
        printf(" at address 0x%llx", (unsigned long long)status.address);
    printf("\n%-12s %s\n", "recovery", recovery_text(status.recovery_time, text, sizeof(text)));
    printf("%-12s %llu", "queue", (unsigned long long)status.queued);
    if (status.queued)
        printf(", the oldest for %s", duration_text(status.oldest, text, sizeof(text)));
    printf("\n%-12s %u\n", "priority", status.priority);
    printf("%-12s %llu KiB\n", "memory", (unsigned long long)status.memory_bytes / 1024);
    printf("%-12s %s\n", "cpu time", duration_text(status.cpu_time, text, sizeof(text)));
    printf("%-12s %s\n", "state memory", status.flags & SERVICE_FLAG_HAS_STATE ? "yes" : "no");
    print_capabilities(name);
}

static void log_print(const char *name) {
    struct proc_file file;
    struct proc_log entry;
    struct service_status status;
    if (name && strcmp(name, "init") != 0 && strcmp(name, "kernel") != 0)
        status_get(name, &status);
    proc_open(&file, "log");
    while (proc_log_next(&file, &entry))
        if (!name || strcmp(entry.sender, name) == 0)
            printf("[%5llu.%06llu] %s: %s\n", (unsigned long long)entry.seconds, (unsigned long long)entry.microseconds,
                   entry.sender, entry.text);
    proc_close(&file);
}

static void change(const char *verb, const char *name, bool force) {
    struct service_status status;
    size_t length = strlen(name);
    error_t error;
    status_get(name, &status);
    if (strcmp(verb, "start") == 0) {
        error = service_start(session, name, length);
    } else if (strcmp(verb, "stop") == 0) {
        if (!(status.flags & SERVICE_FLAG_OPTIONAL) && !force)
            program_fail(name, "the machine needs it; -f stops it all the same, restart exchanges it");
        error = service_stop(session, name, length);
    } else if (strcmp(verb, "kill") == 0) {
        if (status.state != SERVICE_STATE_RUNNING)
            program_fail(name, "it does not run");
        error = service_kill(session, name, length);
    } else {
        error = service_restart(session, name, length);
    }
    if (error == ERR_NOT_PERMITTED)
        program_fail(name, "this program was not given the right to change services");
    if (error != ERR_OK)
        program_fail(name, "can't %s it: %s", verb, error_text(-error));
}

// The file as a memory object, and its length.
static cap_t file_load(const char *path, uint64_t *length) {
    static char bytes[64 * 1024];
    cap_t memory = 0;
    struct stat status;
    uint64_t moved;
    FILE *file = fopen(path, "r");
    if (!file || fstat(fileno(file), &status) != 0)
        program_fail(path, "%s", error_text(errno));
    *length = (uint64_t)status.st_size;
    error_t error = account_create_memory(SLOT_ACCOUNT, (*length + 4095) & ~UINT64_C(4095), &memory);
    for (uint64_t at = 0; error == ERR_OK && at < *length; at += moved) {
        size_t count = fread(bytes, 1, sizeof(bytes), file);
        error = count == 0 ? ERR_IO : memory_write(memory, at, bytes, count, &moved);
    }
    if (error != ERR_OK)
        program_fail(path, "%s", error_text(-error));
    fclose(file);
    return memory;
}

static void reload(const char *name, const char *path) {
    uint64_t length = 0;
    cap_t memory = path ? file_load(path, &length) : 0;
    error_t error = service_reload(session, length, memory, name, strlen(name));
    if (error == ERR_NOT_SUPPORTED)
        program_fail(name, "it can't hand over what it knows to another program, and goes on as it was");
    if (error == ERR_DEADLINE)
        program_fail(name, "it did not hand over in time, and goes on as it was");
    if (error != ERR_OK)
        program_fail(name, "can't reload it: %s", error_text(-error));
}

static void point(const char *name, const char *event, const char *number) {
    static const char *const events[] = {"none", "receive", "reply", "commit", "output", "store",
                                         "",     "spin",    "stall", "lose",   "sleep",  "lie"};
    uint64_t kind = 0;
    while (kind < sizeof(events) / sizeof(events[0]) && strcmp(events[kind], event) != 0)
        kind++;
    if (kind == sizeof(events) / sizeof(events[0]))
        program_usage_error("%s: no such event", event);
    error_t error = service_point(session, kind, strtoull(number, NULL, 10), name, strlen(name));
    if (error != ERR_OK)
        program_fail(name, "%s", error_text(-error));
}

int main(int argc, char **argv) {
    bool force = false;
    program_start(argc, argv, operands, details);
    while (program_option("f") != -1)
        force = true;
    session = startup_capability("service");
    if (session == 0)
        program_fail(NULL, "this program was not given a session of init");
    const char *first = program_operand_count > 0 ? program_operands[0] : NULL;
    bool is_verb = first && (strcmp(first, "start") == 0 || strcmp(first, "stop") == 0 || strcmp(first, "kill") == 0 ||
                             strcmp(first, "restart") == 0);
    if (!first)
        list();
    else if (strcmp(first, "reload") == 0 && (program_operand_count == 2 || program_operand_count == 3))
        reload(program_operands[1], program_operand_count == 3 ? program_operands[2] : NULL);
    else if (strcmp(first, "point") == 0 && program_operand_count == 4)
        point(program_operands[1], program_operands[2], program_operands[3]);
    else if (strcmp(first, "show") == 0 && program_operand_count == 2)
        show(program_operands[1]);
    else if (strcmp(first, "log") == 0 && program_operand_count <= 2)
        log_print(program_operands[1]);
    else if (is_verb && program_operand_count == 2)
        change(first, program_operands[1], force);
    else if (!is_verb && program_operand_count == 1)
        show(first);
    else
        program_usage_error("%s: wrong number of names", first);
    return program_end(0);
}
