// Processes as the process server knows them: waiting, signalling, identities.
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/protocols/task.h"
#include "libipc/protocols/thread.h"

static struct timeval to_timeval(uint64_t nanoseconds) {
    return (struct timeval){.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_usec = (suseconds_t)(nanoseconds / 1000 % 1000000)};
}

static int status_word(const struct task_end *end) {
    switch (end->kind) {
    case EXIT_KIND_EXITED:
        return (int)(end->code & 0xff) << 8;
    case EXIT_KIND_STOPPED:
        return (int)(end->code & 0xff) << 8 | 0x7f;
    case EXIT_KIND_CONTINUED:
        return 0xffff;
    default:
        return (int)(end->code & 0x7f);
    }
}

error_t system_wait(pid_t pid, int options, int *status, struct rusage *usage, pid_t *changed) {
    struct task_end end;
    uint64_t flags = (options & WNOHANG ? WAIT_FLAG_NO_HANG : 0) | (options & WUNTRACED ? WAIT_FLAG_STOPPED : 0) |
                     (options & WCONTINUED ? WAIT_FLAG_CONTINUED : 0);
    error_t error;
    do
        error = task_wait(layer_task, pid, flags, &end);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    if (error)
        return error;
    *changed = (pid_t)end.id;
    if (end.id && status)
        *status = status_word(&end);
    if (usage) {
        memset(usage, 0, sizeof(*usage));
        usage->ru_utime = to_timeval(end.cpu_time);
        usage->ru_maxrss = (long)(end.peak_memory / 1024);
    }
    return ERR_OK;
}

error_t system_kill(pid_t pid, int signal) {
    error_t error = task_kill(layer_task, pid, (uint64_t)signal);
    (void)layer_signals_run(); // it may have been for us
    return error;
}

error_t system_identity(pid_t pid, struct process_identity *identity) {
    struct task_information information;
    error_t error = task_information(layer_task, (uint64_t)pid, &information);
    if (error)
        return error;
    *identity = (struct process_identity){
        .pid = (pid_t)information.id,
        .parent = (pid_t)information.parent,
        .group = (pid_t)information.group,
        .session = (pid_t)information.session,
        .uid = information.user,
        .effective_uid = information.user,
        .gid = information.user_group,
        .effective_gid = information.user_group,
    };
    return ERR_OK;
}

error_t system_group_set(pid_t pid, pid_t group) {
    return task_set_group(layer_task, (uint64_t)pid, (uint64_t)group);
}

error_t system_session_create(pid_t *session) {
    uint64_t made;
    error_t error = task_new_session(layer_task, &made);
    if (!error)
        *session = (pid_t)made;
    return error;
}

error_t system_usage(int who, struct rusage *usage) {
    struct task_information information;
    memset(usage, 0, sizeof(*usage));
    if (who != RUSAGE_SELF)
        return ERR_OK; // children are told of one by one, by wait4
    error_t error = task_information(layer_task, 0, &information);
    if (!error)
        usage->ru_utime = to_timeval(information.cpu_time);
    return error;
}

void system_yield(void) {
    (void)thread_yield(SLOT_THREAD);
}
