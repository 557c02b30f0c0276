// Time, sleep, random bytes and the machine.
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/clock.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"

#define SECOND UINT64_C(1000000000)

error_t system_clock_get(clockid_t clock, struct timespec *time) {
    struct process_information information;
    uint64_t now;
    switch (clock) {
    case CLOCK_REALTIME:
        now = clock_wall();
        break;
    case CLOCK_MONOTONIC:
        now = clock_monotonic();
        break;
    case CLOCK_PROCESS_CPUTIME_ID: {
        error_t error = process_information(SLOT_SELF, &information);
        if (error)
            return error;
        now = information.cpu_time;
        break;
    }
    default:
        return ERR_INVALID;
    }
    *time = (struct timespec){(time_t)(now / SECOND), (long)(now % SECOND)};
    return ERR_OK;
}

error_t system_clock_set(clockid_t clock, const struct timespec *time) {
    cap_t session = startup_capability("clock");
    if (clock != CLOCK_REALTIME)
        return ERR_INVALID;
    return session ? clock_set(session, time->tv_sec * (int64_t)SECOND + time->tv_nsec, 0) : ERR_NOT_PERMITTED;
}

error_t system_clock_resolution(clockid_t clock, struct timespec *resolution) {
    (void)clock;
    *resolution = (struct timespec){0, 1};
    return ERR_OK;
}

error_t system_sleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining) {
    static cap_t never; // nobody signals it
    uint64_t bits, deadline = (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_nsec;
    (void)remaining;
    if (!(flags & TIMER_ABSTIME))
        deadline += clock_monotonic();
    else if (clock == CLOCK_REALTIME)
        deadline -= clock_wall() - clock_monotonic();
    error_t error = never ? ERR_OK : account_create_notification(SLOT_ACCOUNT, &never);
    if (!error)
        error = layer_wait(never, deadline ? deadline : 1, &bits);
    return error == ERR_DEADLINE ? ERR_OK : error;
}

error_t system_random(void *buffer, size_t size) {
    char *to = buffer;
    while (size > 0) {
        uint64_t words[6];
        error_t error = kernel_random(SLOT_KERNEL, &words[0], &words[1], &words[2], &words[3], &words[4], &words[5]);
        if (error)
            return error;
        size_t part = size < sizeof(words) ? size : sizeof(words);
        memcpy(to, words, part);
        to += part;
        size -= part;
    }
    return ERR_OK;
}

error_t system_name(struct utsname *name) {
    memset(name, 0, sizeof(*name));
    strcpy(name->sysname, "Keelson");
    strcpy(name->nodename, "keelson");
    strcpy(name->release, KEELSON_VERSION);
    strcpy(name->version, KEELSON_VERSION);
    strcpy(name->machine, "x86_64");
    return ERR_OK;
}

error_t system_machine_size(struct machine_size *size) {
    uint64_t quota, used, peak, ceiling;
    error_t error = account_information(SLOT_ACCOUNT, &quota, &used, &peak, &ceiling);
    if (!error)
        *size = (struct machine_size){.pages = quota / 4096, .free_pages = (quota - used) / 4096, .processors = 1};
    return error;
}
