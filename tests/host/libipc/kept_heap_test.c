// The heap in kept memory: wherever a server is stopped, rolling back gives blocks with the contents, and a heap with the order,
// of the last commit. What is fresh from the heap is not noted, so memory as a whole is not compared; but the heap finds what is
// damaged in it, and the same steps follow, stopped one store later, until all of them are made.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/heap.h"
#include "libc/internal/system.h"
#include "libipc/client/slot.h"
#include "libipc/kept/log.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "tests/host/libipc/kept_heap_subject.h"

enum { LOG_BYTES = 8 << 20, POOL_BYTES = 256 << 20, BATCHES = 100, STEPS = 10, PAGE = 4096 };

static unsigned batch;

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: batch %u: failed: %s\n", __FILE__, __LINE__, batch, #condition);                             \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

// --- the system ---
static uint64_t log_memory[LOG_BYTES / sizeof(uint64_t)];
static unsigned char pool[POOL_BYTES] __attribute__((aligned(PAGE)));
static struct {
    size_t used; // of the pool; what is given back is not given again, as if it were so after a commit only
    size_t mapped;
} kept_pool __attribute__((aligned(64)));

error_t account_create_memory(cap_t account, uint64_t length, cap_t *memory) {
    (void)account;
    (void)length;
    *memory = 100;
    return ERR_OK;
}

error_t process_map(cap_t process, uint64_t address, uint64_t length, uint64_t offset, uint64_t flags, cap_t memory,
                    uint64_t *mapped) {
    (void)process;
    (void)address;
    (void)offset;
    (void)flags;
    (void)memory;
    CHECK(length <= LOG_BYTES);
    *mapped = (uintptr_t)log_memory;
    return ERR_OK;
}

error_t process_unmap(cap_t process, uint64_t address, uint64_t length) {
    (void)process;
    (void)address;
    (void)length;
    return ERR_OK;
}

void slot_release(cap_t slot) {
    (void)slot;
}

error_t system_memory_map(size_t size, void **address) {
    CHECK(size % PAGE == 0 && size <= sizeof pool - kept_pool.used);
    kept_note(&kept_pool, sizeof kept_pool);
    *address = pool + kept_pool.used;
    kept_pool.used += size;
    kept_pool.mapped += size;
    kept_set_unnoted(*address, 0, size);
    return ERR_OK;
}

error_t system_memory_unmap(void *address, size_t size) {
    (void)address;
    kept_note(&kept_pool, sizeof kept_pool);
    kept_pool.mapped -= size;
    return ERR_OK;
}

error_t system_random(void *buffer, size_t size) {
    memset(buffer, 0x5a, size);
    return ERR_OK;
}

error_t system_write(int fd, const void *buffer, size_t size, size_t *done) {
    (void)fd;
    *done = fwrite(buffer, 1, size, stderr);
    return ERR_OK;
}

_Noreturn void system_abort(void) {
    fprintf(stderr, "batch %u\n", batch);
    abort();
}

// --- the test ---
static sigjmp_buf stopped;
static struct heap_subject committed; // is not noted

static void on_trap(int signal) {
    (void)signal;
    siglongjmp(stopped, 1);
}

static uint64_t choice(unsigned step) {
    uint64_t mixed = ((uint64_t)batch << 32 | (step + 1)) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (mixed ^ mixed >> 32) * UINT64_C(0x94d049bb133111eb) >> 1;
}

static bool run_until(uint64_t fuse) {
    if (sigsetjmp(stopped, 1) != 0)
        return true;
    kept_fuse(fuse);
    for (unsigned step = 0; step < STEPS; step++)
        CHECK(heap_subject_step(choice(step)));
    kept_fuse(0);
    return false;
}

int main(void) {
    signal(SIGILL, on_trap);
    signal(SIGTRAP, on_trap);
    CHECK(kept_start(LOG_BYTES) == ERR_OK);
    CHECK(heap_subject_apart() == 0);
    uint64_t points = 0;
    for (batch = 1; batch <= BATCHES; batch++) {
        kept_commit();
        kept_copy_unnoted(&committed, &heap_subject, sizeof committed);
        for (uint64_t fuse = 1; run_until(fuse); fuse++, points++) {
            CHECK(kept_rollback());
            CHECK(memcmp(&heap_subject, &committed, sizeof committed) == 0 && heap_subject_check());
        }
        CHECK(undo.overflows == 0);
    }
    for (struct heap_slot *slot = heap_subject.slots; slot < heap_subject.slots + HEAP_SLOTS; slot++)
        if (slot->bytes != NULL)
            heap_release(slot->bytes);
    CHECK(kept_pool.mapped <= 1 << 20); // an empty arena
    printf("stores: stopped at %llu\n", (unsigned long long)points);
    return 0;
}
