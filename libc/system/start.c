// The start and the end of a process; see layer.h and libipc/include/startup.h.
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/client/call.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/task.h"
#include "libipc/start/start.h"

enum { STRINGS_MAX = 4096, ABORT_CODE = 134 };

cap_t layer_root, layer_directory, layer_task;

static char *strings[STRINGS_MAX + 2]; // argv, NULL, envp, NULL

// By way of `process`, of which nobody complains to itself.
static bool complain(cap_t session) {
    return layer_task != 0 && session != layer_task && task_complain(layer_task, session) == ERR_OK;
}

void system_start(void *argument, void *stack, struct start_arguments *arguments) {
    (void)stack;
    const struct startup *startup = argument;
    if (startup_accept(startup))
        __builtin_trap(); // nothing to speak through
    layer_root = startup_capability("root");
    layer_directory = startup_capability("cwd");
    layer_task = startup_capability("task");
    ipc_complain = complain;
    layer_signals_inherit(startup_value("task"));
    uint32_t count = 0;
    const char *string;
    for (uint32_t i = 0; (string = startup_argument(i)) && count < STRINGS_MAX / 2; i++)
        strings[count++] = (char *)(uintptr_t)string;
    arguments->argc = (int)count;
    arguments->argv = strings;
    arguments->envp = &strings[++count];
    for (uint32_t i = 0; (string = startup_environment(i)) && count < STRINGS_MAX; i++)
        strings[count++] = (char *)(uintptr_t)string;
    descriptors_start();
}

_Noreturn void system_exit(int status) {
    if (layer_task)
        (void)task_exit(layer_task, (uint64_t)(status & 0xff));
    for (;;) // no process server: the keeper is told
        (void)process_exit(SLOT_SELF, (uint64_t)(status & 0xff));
}

_Noreturn void system_abort(void) {
    system_exit(ABORT_CODE);
}

error_t layer_notification(cap_t *notification) {
    static cap_t made;
    error_t error = made ? ERR_OK : account_create_notification(SLOT_ACCOUNT, &made);
    if (!error)
        *notification = made;
    return error;
}

error_t layer_wait(cap_t notification, uint64_t deadline, uint64_t *bits) {
    struct ipc_registers registers = {.target = notification};
    if (deadline) {
        registers.tag = TAG_DEADLINE;
        ipc_page->deadline = deadline;
    }
    error_t error = system_call(SYS_WAIT, &registers);
    *bits = error == WAIT_NOTIFICATION ? registers.words[0] : 0;
    return error == WAIT_NOTIFICATION ? ERR_OK : error;
}
