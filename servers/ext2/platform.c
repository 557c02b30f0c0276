// The rest of what the core needs from outside: copies, fibers, clocks and the log; see platform.h.
#include "servers/ext2/platform.h"

#include <stdio.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "servers/ext2/volume.h"

_Static_assert(sizeof(struct platform_queue) == sizeof(struct fiber_wait_queue), "one is the other");

static bool frames_changed;

void platform_frames_changed(void) {
    KEPT_SET(frames_changed, true);
}

// File pages are not noted: who owns a frame is committed before its bytes change.
static void commit_owners(void) {
    if (!frames_changed || fiber_current() == NULL)
        return;
    frames_changed = false;
    fiber_commit();
}

error_t platform_copy_in(struct platform_caller *caller, uint64_t buffer_offset, uint64_t cache_offset, uint64_t length,
                         uint64_t *moved) {
    commit_owners();
    error_t error = request_copy_in_memory(caller->request, buffer_offset, caller->memory, cache_offset, length);
    *moved = error ? 0 : length;
    return error;
}

error_t platform_copy_out(struct platform_caller *caller, uint64_t buffer_offset, uint64_t cache_offset, uint64_t length,
                          uint64_t *moved) {
    error_t error = request_copy_out_memory(caller->request, buffer_offset, caller->memory, cache_offset, length);
    *moved = error ? 0 : length;
    return error;
}

void platform_zero(struct platform_disk *disk, uint64_t cache_offset, uint64_t length) {
    commit_owners();
    (void)memory_zero(disk->memory, cache_offset, length); // can't fail: the pages are this server's own
}

void platform_commit(void) {
    fiber_commit();
}

void platform_breathe(void) {
    fiber_breathe();
}

static struct fiber_wait_queue *own(struct platform_queue *queue) {
    return (struct fiber_wait_queue *)(void *)queue;
}

void platform_queue_wait(struct platform_queue *queue) {
    fiber_wait_always(own(queue));
}

bool platform_queue_wait_until(struct platform_queue *queue, uint64_t deadline) {
    return fiber_wait_until(own(queue), deadline) != ERR_DEADLINE;
}

void platform_queue_wake_one(struct platform_queue *queue) {
    (void)fiber_wake(own(queue));
}

void platform_queue_wake_all(struct platform_queue *queue) {
    fiber_wake_all(own(queue));
}

uint64_t platform_wall_time(void) {
    return clock_wall();
}

uint64_t platform_monotonic_time(void) {
    return clock_monotonic();
}

void platform_log(enum platform_log_level level, const char *text) {
    static const uint64_t levels[] = {[PLATFORM_LOG_ERROR] = 1, [PLATFORM_LOG_WARNING] = 2, [PLATFORM_LOG_NOTICE] = 3};
    char line[240];
    int length = snprintf(line, sizeof(line), "ext2: %s", text);
    if (length >= (int)sizeof(line))
        length = sizeof(line) - 1;
    (void)kernel_log_write(SLOT_KERNEL, levels[level], line, (uint64_t)length);
}
