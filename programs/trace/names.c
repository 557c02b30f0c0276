// Which process is which: servers from init, programs from the process server; see file.h.
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/task.h"
#include "libipc/start/start.h"
#include "programs/common/program.h"
#include "programs/trace/file.h"

const struct trace_name *trace_name_find(const struct trace *trace, uint32_t process) {
    for (uint32_t i = 0; i < trace->header.name_count; i++)
        if (trace->names[i].process == process)
            return &trace->names[i];
    return NULL;
}

// Programs and servers are loaded from here on, everything else lies below.
#define IMAGES UINT64_C(0x500000000000)

// Where the process's program was loaded; 0 if that can't be told.
static uint64_t base_of(uint64_t serial) {
    uint64_t found, start = 0, length, offset, flags;
    cap_t kernel = startup_capability("trace"), process = 0;
    if (!kernel || kernel_next_process(kernel, serial - 1, &found, &process) != ERR_OK)
        return 0;
    if (found != serial || process_region(process, IMAGES, &start, &length, &offset, &flags) != ERR_OK)
        start = 0;
    slot_release(process);
    return start;
}

static void add(struct trace *trace, uint64_t serial, uint32_t id, const char *name) {
    if (serial == 0 || *name == 0 || trace_name_find(trace, (uint32_t)serial))
        return;
    uint32_t count = trace->header.name_count++;
    trace->names = memory_resize(trace->names, (count + 1) * sizeof(*trace->names));
    struct trace_name *entry = &trace->names[count];
    *entry = (struct trace_name){.process = (uint32_t)serial, .id = id, .base = base_of(serial)};
    strncpy(entry->name, name, sizeof(entry->name) - 1);
}

void trace_names_servers(struct trace *trace) {
    struct service_status status;
    cap_t init = startup_capability("service");
    add(trace, 1, 0, "init");
    for (uint64_t cursor = 0; init && service_next(init, cursor, &cursor, &status) == ERR_OK;)
        add(trace, status.serial, 0, (const char *)status.name);
}

void trace_names_program(struct trace *trace, uint64_t id) {
    struct task_information task;
    cap_t tasks = startup_capability("task");
    if (tasks && task_information(tasks, id, &task) == ERR_OK)
        add(trace, task.serial, task.id, (const char *)task.name);
}

void trace_names_programs(struct trace *trace) {
    struct task_information task;
    cap_t tasks = startup_capability("task");
    for (uint64_t id = 0; tasks && task_next(tasks, id, &task) == ERR_OK && task.id > id; id = task.id)
        add(trace, task.serial, task.id, (const char *)task.name);
}
