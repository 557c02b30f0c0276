// Processes: the list, and the files of one. Figures of POSIX come from `process`, those of the kernel's
// object from the kernel.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/task.h"
#include "servers/procfs/state.h"

#define NANOSECONDS_PER_MILLISECOND UINT64_C(1000000)

enum { PROGRAM_PRIORITY = 20 }; // that `process` starts all programs with

bool task_after(uint64_t id, uint64_t *next) {
    struct task_information information;
    if (procfs.task == 0 || task_next(procfs.task, id, &information) != ERR_OK || information.id <= id)
        return false;
    *next = information.id;
    return true;
}

bool task_exists(uint64_t id) {
    struct task_information information;
    return procfs.task != 0 && id != 0 && task_information(procfs.task, id, &information) == ERR_OK;
}

static char state_letter(uint32_t state) {
    return state == TASK_STATE_ENDED ? 'Z' : state == TASK_STATE_STOPPED ? 'T' : 'R';
}

// The kernel's object, with the right to inspect; 0 if it is gone.
static cap_t process_open(const struct task_information *information) {
    uint64_t serial;
    cap_t process = 0;
    if (information->serial == 0 || kernel_next_process(SLOT_KERNEL, information->serial - 1, &serial, &process) != ERR_OK)
        return 0;
    if (serial == information->serial)
        return process;
    slot_release(process);
    return 0;
}

// Program and arguments, as far as they are known; never empty.
static void add_name(struct document *document, const struct task_information *information) {
    const char *arguments = (const char *)information->arguments;
    size_t size = sizeof(information->arguments), end = size;
    while (end > 0 && arguments[end - 1] == '\0')
        end--;
    if (end == 0) {
        document_word(document, information->name, sizeof(information->name));
        return;
    }
    for (size_t at = 0; at < end;) {
        size_t length = strnlen(arguments + at, end - at);
        if (at != 0)
            document_append(document, " ", 1);
        document_rest(document, arguments + at, length);
        at += length + 1;
    }
}

void make_processes(struct document *document, uint64_t id) {
    struct task_information information;
    (void)id;
    for (uint64_t at = 0; procfs.task != 0 && task_next(procfs.task, at, &information) == ERR_OK; at = information.id) {
        if (information.id <= at)
            return;
        if (information.state == TASK_STATE_EMPTY)
            continue;
        document_format(document, "%u %u %u %c %u %llu %llu ", information.id, information.parent, information.group,
                        state_letter(information.state), PROGRAM_PRIORITY, (unsigned long long)(information.memory_bytes / 1024),
                        (unsigned long long)(information.cpu_time / NANOSECONDS_PER_MILLISECOND));
        add_name(document, &information);
        document_append(document, "\n", 1);
    }
}

static uint32_t count_capabilities(cap_t process) {
    uint32_t count = 0;
    uint64_t slot = 0, kind, rights, badge, object;
    for (; process != 0 && process_slot_next(process, slot, &slot, &kind, &rights, &badge, &object) == ERR_OK; slot++)
        count++;
    return count;
}

void make_task_status(struct document *document, uint64_t id) {
    struct task_information task;
    struct process_information process = {0};
    if (task_information(procfs.task, id, &task) != ERR_OK)
        return;
    cap_t opened = process_open(&task);
    if (opened != 0 && process_information(opened, &process) != ERR_OK)
        process = (struct process_information){0};
    uint32_t capabilities = count_capabilities(opened);
    slot_release(opened);
    document_format(document, "name ");
    document_word(document, task.name, sizeof(task.name));
    document_format(document, "\nstate %c\npid %u\nppid %u\npgid %u\nsession %u\nuid %u\ngid %u\nthreads %u\n",
                    state_letter(task.state), task.id, task.parent, task.group, task.session, task.user, task.user_group,
                    process.threads);
    document_format(
        document, "memory_kib %llu\ncpu_ms %llu\nstarted_ms %llu\ncapabilities %u\nserial %llu\n",
        (unsigned long long)(task.memory_bytes / 1024), (unsigned long long)(task.cpu_time / NANOSECONDS_PER_MILLISECOND),
        (unsigned long long)(task.started / NANOSECONDS_PER_MILLISECOND), capabilities, (unsigned long long)task.serial);
    document_format(document, "command ");
    add_name(document, &task);
    document_append(document, "\n", 1);
}

static const char *kind_name(uint64_t kind) {
    static const char *const names[] = {"none",         "process", "thread", "endpoint", "session", "reply", "call",
                                        "notification", "memory",  "irq",    "ioport",   "account", "kernel"};
    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

void make_task_capabilities(struct document *document, uint64_t id) {
    struct task_information task;
    if (task_information(procfs.task, id, &task) != ERR_OK)
        return;
    cap_t process = process_open(&task);
    uint64_t slot = 0, kind, rights, badge, object;
    while (process != 0 && process_slot_next(process, slot, &slot, &kind, &rights, &badge, &object) == ERR_OK) {
        document_format(document, "%llu %s %04llx %llu\n", (unsigned long long)slot, kind_name(kind), (unsigned long long)rights,
                        (unsigned long long)object);
        slot++;
    }
    slot_release(process);
}

void make_task_maps(struct document *document, uint64_t id) {
    struct task_information task;
    if (task_information(procfs.task, id, &task) != ERR_OK)
        return;
    cap_t process = process_open(&task);
    uint64_t start = 0, length, offset, flags;
    while (process != 0 && process_region(process, start, &start, &length, &offset, &flags) == ERR_OK) {
        document_format(document, "%016llx-%016llx %c%c%c %llx\n", (unsigned long long)start,
                        (unsigned long long)(start + length), (flags & MAP_FLAG_READ) != 0 ? 'r' : '-',
                        (flags & MAP_FLAG_WRITE) != 0 ? 'w' : '-', (flags & MAP_FLAG_EXECUTE) != 0 ? 'x' : '-',
                        (unsigned long long)offset);
        if (start + length < start || length == 0)
            break;
        start += length;
    }
    slot_release(process);
}
