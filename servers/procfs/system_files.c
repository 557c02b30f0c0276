// The machine's and the system's figures: memory, uptime, services, log, mounts, version.
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/filesystem.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/log.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/task.h"
#include "servers/procfs/state.h"

#define NANOSECONDS_PER_SECOND      UINT64_C(1000000000)
#define NANOSECONDS_PER_MILLISECOND UINT64_C(1000000)

#define PROGRAMS_ROLE "process" // programs' accounts lie in its account

typedef unsigned long long number;

// As kernel.log_read tells them.
enum { LEVEL_ERROR = 1, LEVEL_WARNING = 2, LEVEL_INFO = 3, LEVEL_DEBUG = 4, RECORDS_BYTES = 16 * 1024 };

static uint64_t charged_to_programs(struct document *document, bool is_listed) {
    struct task_information task;
    uint64_t sum = 0;
    for (uint64_t at = 0; procfs.task != 0 && task_next(procfs.task, at, &task) == ERR_OK && task.id > at; at = task.id) {
        sum += task.memory_bytes;
        if (!is_listed || task.memory_bytes == 0)
            continue;
        document_format(document, "%u %llu ", task.id, (number)task.memory_bytes);
        document_word(document, task.name, sizeof(task.name));
        document_append(document, "\n", 1);
    }
    return sum;
}

void make_accounts(struct document *document, uint64_t id) {
    struct kernel_information information;
    struct service_status status;
    uint64_t cursor = 0, own;
    (void)id;
    // The kernel's figures first: what is on its way back is taken off accounts with that.
    if (procfs.service == 0 || kernel_information(SLOT_KERNEL, &information) != ERR_OK ||
        service_charged(procfs.service, NULL, &own) != ERR_OK)
        return;
    uint64_t programs = charged_to_programs(document, false);
    document_format(document, "- %llu init\n", (number)own);
    while (service_next(procfs.service, cursor, &cursor, &status) == ERR_OK) {
        bool has_programs = strcmp((const char *)status.name, PROGRAMS_ROLE) == 0;
        document_format(document, "- %llu ", (number)(status.memory_bytes - (has_programs ? programs : 0)));
        document_word(document, status.name, sizeof(status.name));
        document_append(document, "\n", 1);
    }
    charged_to_programs(document, true);
}

void make_memory(struct document *document, uint64_t id) {
    struct kernel_information information;
    struct cache_status cache = {0};
    uint64_t charged = 0;
    (void)id;
    if (kernel_information(SLOT_KERNEL, &information) != ERR_OK)
        return;
    if (procfs.service == 0 || service_charged(procfs.service, &charged, NULL) != ERR_OK)
        charged = 0;
    if (procfs.ext2 == 0 || filesystem_cache(procfs.ext2, &cache) != ERR_OK)
        cache = (struct cache_status){0};
    document_format(document, "total_bytes %llu\nfree_bytes %llu\nkernel_bytes %llu\ncache_bytes %llu\n",
                    (number)information.total_bytes, (number)information.free_bytes, (number)information.kernel_bytes,
                    (number)cache.cached_bytes);
    document_format(document, "charged_bytes %llu\n", (number)charged);
    document_format(document, "dirty_bytes %llu\nprocesses %llu\nthreads %llu\nmessages %llu\nswitches %llu\n",
                    (number)cache.dirty_bytes, (number)information.processes, (number)information.threads,
                    (number)information.messages, (number)information.switches);
    document_format(document, "interrupts %llu\ncpus %llu\nlock_waits %llu\n", (number)information.interrupts,
                    (number)information.cpus, (number)information.lock_waits);
}

static void add_seconds(struct document *document, uint64_t nanoseconds) {
    document_format(document, "%llu.%02llu", (number)(nanoseconds / NANOSECONDS_PER_SECOND),
                    (number)(nanoseconds / (NANOSECONDS_PER_SECOND / 100) % 100));
}

void make_uptime(struct document *document, uint64_t id) {
    struct kernel_information information;
    (void)id;
    if (kernel_information(SLOT_KERNEL, &information) != ERR_OK)
        return;
    add_seconds(document, clock_monotonic());
    document_append(document, " ", 1);
    add_seconds(document, information.idle_time);
    document_append(document, "\n", 1);
}

static const char *state_name(uint32_t state) {
    switch (state) {
    case SERVICE_STATE_RUNNING:
        return "running";
    case SERVICE_STATE_STOPPED:
        return "stopped";
    case SERVICE_STATE_FAILED:
        return "failed";
    default:
        return "starting"; // for the first time, or again
    }
}

static const char *cause_name(uint32_t cause) {
    static const char *const names[] = {"-", "exit", "fault", "killed", "hung", "reloaded", "lied"};
    return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "-";
}

void make_services(struct document *document, uint64_t id) {
    struct service_status status;
    uint64_t cursor = 0, now = clock_monotonic();
    (void)id;
    while (procfs.service != 0 && service_next(procfs.service, cursor, &cursor, &status) == ERR_OK) {
        bool is_running = status.state == SERVICE_STATE_RUNNING;
        uint64_t uptime = is_running && now > status.started ? now - status.started : 0;
        document_word(document, status.name, sizeof(status.name));
        document_format(document, " %s ", state_name(status.state));
        if (is_running && status.process != 0)
            document_format(document, "%u", status.process);
        else
            document_append(document, "-", 1);
        document_format(document, " %llu %llu %llu %llu %s\n", (number)status.restarts,
                        (number)(uptime / NANOSECONDS_PER_MILLISECOND), (number)(status.recovery_time / 1000),
                        (number)status.queued, cause_name(status.cause));
    }
}

// The levels of POSIX's syslog for those of the kernel.
static unsigned posix_level(uint32_t level) {
    switch (level) {
    case LEVEL_ERROR:
        return 3;
    case LEVEL_WARNING:
        return 4;
    case LEVEL_INFO:
        return 6;
    default:
        return 7;
    }
}

static void add_record(struct document *document, const struct log_record *record, const char *text) {
    if (record->dropped != 0)
        document_format(document, "4 %llu.%06llu log: %u messages were lost here\n",
                        (number)(record->time / NANOSECONDS_PER_SECOND), (number)(record->time / 1000 % 1000000),
                        record->dropped);
    document_format(document, "%u %llu.%06llu ", posix_level(record->level), (number)(record->time / NANOSECONDS_PER_SECOND),
                    (number)(record->time / 1000 % 1000000));
    document_word(document, record->sender, sizeof(record->sender));
    document_append(document, ": ", 2);
    document_rest(document, text, record->length);
    document_append(document, "\n", 1);
}

// False: the records are not what they should be.
static bool add_records(struct document *document, const unsigned char *records, uint64_t count) {
    for (uint64_t at = 0; at + sizeof(struct log_record) <= count;) {
        struct log_record record;
        memcpy(&record, records + at, sizeof(record));
        uint64_t length = (sizeof(record) + record.length + 7) & ~UINT64_C(7);
        if (length > count - at)
            return false;
        add_record(document, &record, (const char *)records + at + sizeof(record));
        at += length;
    }
    return true;
}

void make_log(struct document *document, uint64_t id) {
    uint64_t position = 0, count, before;
    unsigned char *records = malloc(RECORDS_BYTES);
    bool is_good = records != NULL && procfs.log != 0;
    (void)id;
    do {
        before = position;
        is_good = is_good && log_read(procfs.log, position, LEVEL_DEBUG, records, RECORDS_BYTES, &position, &count) == ERR_OK &&
                  count <= RECORDS_BYTES && add_records(document, records, count);
    } while (is_good && position > before && !document->is_cut);
    free(records);
}

void make_mounts(struct document *document, uint64_t id) {
    static char text[16 * 1024]; // of the kernel's object, by calls that do not wait
    struct mount_picture before, after;
    uint64_t count;
    (void)id;
    for (unsigned attempt = 0; attempt < 3 && procfs.mounts != 0; attempt++) { // vfs may be drawing on another CPU
        if (memory_read(procfs.mounts, 0, &before, sizeof(before), &count) != ERR_OK ||
            before.length > sizeof(text) - sizeof(before) ||
            memory_read(procfs.mounts, sizeof(before), text, before.length, &count) != ERR_OK || count != before.length ||
            memory_read(procfs.mounts, 0, &after, sizeof(after), &count) != ERR_OK)
            return;
        if (before.version % 2 == 0 && before.version == after.version) {
            document_append(document, text, before.length);
            return;
        }
    }
}

void make_version(struct document *document, uint64_t id) {
    (void)id;
    document_format(document, "Keelson %s x86_64\n", KEELSON_VERSION);
}

void make_command_line(struct document *document, uint64_t id) {
    char line[1024];
    uint64_t count;
    (void)id;
    if (kernel_command_line(SLOT_KERNEL, line, sizeof(line), &count) != ERR_OK || count > sizeof(line))
        return;
    document_rest(document, line, count);
    document_append(document, "\n", 1);
}
