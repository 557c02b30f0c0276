// Waiting for children.
#include <sys/resource.h>
#include <sys/wait.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    pid_t changed = -1;
    int how = 0;
    if (result_of(system_wait(pid, options, &how, usage, &changed)) != 0)
        return -1;
    if (status != NULL && changed > 0)
        *status = how;
    return changed;
}

pid_t wait3(int *status, int options, struct rusage *usage) {
    return wait4(-1, status, options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options) {
    return wait4(pid, status, options, NULL);
}

pid_t wait(int *status) {
    return waitpid(-1, status, 0);
}
