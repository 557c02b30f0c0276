// Where the figures of /status come from: the kernel and init, in the guest. Built for the host it says that
// there is nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "programs/common/buffer.h"

struct status_machine {
    uint64_t total_bytes, free_bytes, kernel_bytes;
    uint64_t processes, threads, messages, switches, interrupts, idle_ms, cpus, uptime_ms;
};

struct status_role {
    char name[33];
    const char *state, *cause;
    uint64_t restarts, recovery_us, queued, uptime_ms, memory_bytes, cpu_us;
    uint32_t priority;
    struct buffer calls; // names of roles that it holds sessions of, a line each
};

bool status_machine_read(struct status_machine *machine);

// The role after number `cursor`. `calls` is filled anew; it was initialized by the caller.
bool status_role_next(uint64_t *cursor, struct status_role *role);
