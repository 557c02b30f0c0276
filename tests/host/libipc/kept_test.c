// Kept memory: wherever a server is stopped, rolling back gives what was there at the last commit. Stopped at
// each store (kept_fuse), after each instruction of stores, notes and of the rollback itself (single steps),
// with a log too small at every size, and with damaged logs and headers, of which none may be taken for sound
// and change anything.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "libipc/client/slot.h"
#include "libipc/kept/log.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "tests/host/libipc/kept_subject.h"

enum { LOG_BYTES = 64 * 1024, STEPS = 60, COMMIT_EVERY = 6, TRAP_FLAG = 0x100, FLIPS = 20000 };
enum { HOT_WORDS = KEPT_HOT_LINES * LINE_BYTES / 8 + LONG_WORDS }; // of `subject`: noted by each commit, if `hot`

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: seed %u: failed: %s\n", __FILE__, __LINE__, seed, #condition);                               \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

static unsigned seed;
static bool hot;
static sigjmp_buf stopped;

// The kernel that libipc/kept asks for memory; it refuses from the given number of calls on.
static int calls_left = 1 << 30;
static error_t map_answer;
static uint64_t unmapped;

error_t account_create_memory(cap_t account, uint64_t length, cap_t *memory) {
    (void)account;
    (void)length;
    *memory = 100;
    return calls_left-- > 0 ? ERR_OK : ERR_NO_MEMORY;
}

error_t process_map(cap_t process, uint64_t address, uint64_t length, uint64_t offset, uint64_t flags, cap_t memory,
                    uint64_t *mapped) {
    (void)process;
    (void)offset;
    (void)memory;
    if (calls_left-- <= 0)
        return ERR_NO_MEMORY;
    error_t answer = map_answer;
    map_answer = ERR_OK;
    if (answer != ERR_OK)
        return answer;
    *mapped = address;
    if ((flags & MAP_FLAG_FIXED) == 0)
        *mapped = (uintptr_t)mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ERR_OK;
}

error_t process_unmap(cap_t process, uint64_t address, uint64_t length) {
    (void)process;
    (void)length;
    unmapped = address;
    return ERR_OK;
}

void slot_release(cap_t slot) {
    (void)slot;
}

static void forget(void) {
    undo.window = 0; // so that the following is not noted
    barrier();
    memset(&undo, 0, sizeof(undo));
}

static void start(uint64_t bytes) {
    if (undo.log != NULL)
        munmap(undo.log, undo.capacity * sizeof(uint64_t));
    forget();
    memset(&subject, 0, sizeof(subject));
    CHECK(kept_start(bytes) == ERR_OK && kept_active());
    if (!hot)
        return;
    kept_hot(&subject);
    kept_commit();
    CHECK(undo.next == undo.log + HOT_WORDS);
}

static uint32_t choice(unsigned step) {
    uint64_t mixed = ((uint64_t)seed << 32 | (step + 1)) * ENTRY_SEAL;
    return (uint32_t)((mixed ^ mixed >> 29) * ENTRY_SEAL >> 33);
}

static uint64_t used(void) {
    return (uint64_t)(undo.next - undo.log); // words
}

static void on_trap(int signal) {
    (void)signal;
    siglongjmp(stopped, 1);
}

// Runs the seed's steps with commits in between, until `fuse` stores are made; true if it was stopped there.
static struct scratch {                  // outside the window
    struct subject committed, next, was; // `next`: as good, in a commit
    struct undo header;
    uint64_t log[HOT_WORDS];
} * scratch;
#define committed (&scratch->committed)

// Nothing of it is noted.
static void copy(void *to, const void *from, size_t bytes) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

static bool run_until(uint64_t fuse) {
    if (sigsetjmp(stopped, 1) != 0)
        return true;
    *committed = subject;
    kept_fuse(fuse);
    for (unsigned step = 0; step < STEPS; step++) {
        subject_step(choice(step));
        if (step % COMMIT_EVERY == COMMIT_EVERY - 1) {
            memcpy(committed, &subject,
                   sizeof(subject)); // stopped in the commit: old and new are the same
            kept_commit();
        }
    }
    kept_commit();
    *committed = subject;
    return false;
}

static uint64_t test_each_store(void) {
    signal(SIGILL, on_trap);
    signal(SIGTRAP, on_trap);
    uint64_t points = 0;
    for (seed = 1; seed <= 20; seed++) {
        hot = seed % 2 == 0;
        for (uint64_t fuse = 1;; fuse++, points++) {
            start(LOG_BYTES);
            bool was_stopped = run_until(fuse);
            CHECK(kept_rollback());
            CHECK(memcmp(&subject, committed, sizeof(subject)) == 0);
            CHECK(used() == (hot ? HOT_WORDS : 0) && undo.fuse == 0 && undo.stop == undo.log + undo.capacity - LINE_WORDS);
            if (!was_stopped)
                break;
        }
    }
    hot = false;
    return points;
}

// A log too small: what was noted of it can't be taken back, and says so; the next commit makes it whole
// again.
static void test_overflow(void) {
    uint64_t refused = 0, sound = 0;
    for (seed = 1; seed <= 10; seed++) {
        for (uint64_t words = 1; words < 400; words += 7) {
            start(LOG_BYTES);
            undo.capacity = words;
            undo.seal = 0; // of the smaller log
            kept_fuse(0);
            uint64_t capacity = undo.capacity;
            for (unsigned step = 0; step < COMMIT_EVERY; step++)
                subject_step(choice(step));
            CHECK(used() <= capacity + 1);
            bool overflowed = used() > capacity;
            CHECK(overflowed == (undo.overflows == 1));
            CHECK(is_shallow() == (used() < capacity / 8) && kept_is_deep() == (used() > capacity / 2));
            if (overflowed) {
                struct subject was = subject;
                CHECK(!kept_rollback());
                CHECK(memcmp(&subject, &was, sizeof(subject)) == 0);
                refused++;
            } else {
                sound++;
            }
            kept_commit();
            CHECK(used() == 0);
        }
    }
    CHECK(refused > 50 && sound > 50);
}

// Bits flipped in the log and in the header. Never is a place outside `subject` written to.
static void test_damage(void) {
    static uint64_t saved[LOG_BYTES / sizeof(uint64_t)];
    uint64_t found = 0, harmless = 0, content = 0;
    for (seed = 1; seed <= FLIPS; seed++) {
        if (seed % 100 == 1) {
            start(LOG_BYTES);
            kept_commit();
            *committed = subject;
            for (unsigned step = 0; step < COMMIT_EVERY || used() == 0; step++)
                subject_step(choice(step));
            copy(saved, undo.log, used() * sizeof(uint64_t));
        }
        struct undo header;
        struct subject was;
        copy(&header, &undo, sizeof(undo));
        copy(&was, &subject, sizeof(subject));
        uint64_t bit = ((uint64_t)choice(1) << 31 | choice(2)) % (used() * 64 + 3 * 64);
        if (bit < used() * 64)
            undo.log[bit / 64] ^= UINT64_C(1) << bit % 64;
        else if (bit < used() * 64 + 64)
            undo.next = (uint64_t *)((uintptr_t)undo.next ^ UINT64_C(1) << bit % 64);
        else if (bit < used() * 64 + 128)
            undo.capacity ^= UINT64_C(1) << bit % 64;
        else
            undo.log = (uint64_t *)((uintptr_t)undo.log ^ UINT64_C(1) << bit % 64);
        if (!kept_rollback()) {
            found++;
            CHECK(memcmp(&subject, &was, sizeof(subject)) == 0);
        } else if (memcmp(&subject, committed, sizeof(subject)) == 0) {
            harmless++; // bytes that fill up a word, or old bytes of a place that was noted twice
        } else {
            content++; // old contents are not summed, nor is `used`, which may fall between two entries
            CHECK(bit < (uint64_t)(header.next - header.log) * 64 + 64);
        }
        copy(&undo, &header, sizeof(undo));
        copy(&subject, &was, sizeof(subject));
        copy(undo.log, saved, used() * sizeof(uint64_t));
    }
    printf("damage: %llu of %d flipped bits were refused, %llu changed nothing, %llu were in old contents\n",
           (unsigned long long)found, FLIPS, (unsigned long long)harmless, (unsigned long long)content);
    CHECK(found > 1000 && content > 0);
}

static void test_memory_full(void) {
    for (int calls = 0; calls < 2; calls++) {
        forget();
        calls_left = calls;
        CHECK(kept_start(LOG_BYTES) == ERR_NO_MEMORY && !kept_active());
        subject_step(8);                        // works, unnoted
        CHECK(used() == 0 && !kept_rollback()); // and says that nothing can be taken back
    }
    calls_left = 1 << 30;
    start(LOG_BYTES);
    uint64_t first, second;
    calls_left = 0;
    CHECK(kept_map(1, 8192, &first) == ERR_NO_MEMORY);
    calls_left = 1 << 30;
    CHECK(kept_map(1, 8192, &first) == ERR_OK);
    kept_commit();
    CHECK(kept_map(1, 4096, &second) == ERR_OK && second == first + 8192 + 4096);
    CHECK(kept_rollback()); // the place is forgotten, the mapping is still there
    uint64_t again;
    map_answer = ERR_EXISTS;
    CHECK(kept_map(1, 4096, &again) == ERR_OK && again == second && unmapped == second);
    CHECK(kept_map(1, KEPT_WINDOW_BYTES, &again) == ERR_NO_MEMORY);
}

#ifndef NOTED_BY_HAND
// After each instruction: what if the actor ended here?
static bool in_rollback;
static uint64_t instructions;

static void on_step(int signal, siginfo_t *information, void *context) {
    (void)signal;
    (void)information;
    (void)context;
    copy(&scratch->was, &subject, sizeof(subject));
    copy(&scratch->header, &undo, sizeof(undo));
    copy(scratch->log, undo.log, sizeof(scratch->log));
    if (!kept_rollback() ||
        (memcmp(&subject, committed, sizeof(subject)) != 0 && memcmp(&subject, &scratch->next, sizeof(subject)) != 0)) {
        fprintf(stderr, "seed %u: not whole after instruction %llu %s\n", seed, (unsigned long long)instructions,
                in_rollback ? "of the rollback" : "");
        abort();
    }
    instructions++;
    copy(&subject, &scratch->was, sizeof(subject));
    copy(&undo, &scratch->header, sizeof(undo));
    copy(undo.log, scratch->log, sizeof(scratch->log));
}

static void step_on(void) {
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "i"(TRAP_FLAG) : "memory", "cc");
}

static void step_off(void) {
    __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" : : "i"(~TRAP_FLAG) : "memory", "cc");
}

static uint64_t test_each_instruction(void) {
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    for (seed = 1; seed <= 4; seed++) {
        hot = seed % 2 == 0;
        start(LOG_BYTES);
        for (unsigned step = 0; step < STEPS; step++) { // something to be changed
            subject_step(choice(1000 + step));
            kept_commit();
        }
        for (unsigned window = 0; window < STEPS; window += COMMIT_EVERY) {
            *committed = scratch->next = subject;
            step_on();
            for (unsigned step = window; step < window + COMMIT_EVERY; step++)
                subject_step(choice(step));
            step_off();
            in_rollback = true;
            step_on();
            bool back = kept_rollback();
            step_off();
            in_rollback = false;
            CHECK(back && memcmp(&subject, committed, sizeof(subject)) == 0);
            for (unsigned step = window; step < window + COMMIT_EVERY; step++)
                subject_step(choice(step));
            scratch->next = subject;
            step_on();
            kept_commit();
            step_off();
        }
    }
    hot = false;
    return instructions;
}
#endif

int main(void) {
    scratch = mmap(NULL, sizeof(*scratch), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("stores: stopped at %llu\n", (unsigned long long)test_each_store());
    test_overflow();
    test_damage();
    test_memory_full();
#ifndef NOTED_BY_HAND
    printf("instructions: stopped after %llu\n", (unsigned long long)test_each_instruction());
#endif
    return 0;
}
