// A thread: registers, a message page, a priority, and what it is blocked on. There is no kernel stack per thread: a
// thread in the kernel either finishes its call or is left in one of the named states below. Invariant: state READY and
// not held <=> it is current or stands in a run queue; WAITING <=> in the receivers of an endpoint or notification;
// CALLING, FAULTED <=> its request is not idle.
#pragma once

#include "kernel/abi/methods.h"
#include "kernel/cap/object.h"
#include "kernel/ipc/request.h"
#include "kernel/sched/cpu.h"
#include "kernel/structure/tree.h"

struct endpoint;
struct memory;
struct process;

// What entry.asm saves and restores; x86_64/layout.c tells it the offsets.
struct registers {
    uint64_t words[6]; // rdx r8 r9 r10 r12 r13
    uint64_t rax, rdi, rsi, rbx, rbp, rsp, rcx, r11, r14, r15, rip, rflags;
};

// What a switch has to look after besides the space: none of it for most servers, and the FPU alone for most programs; then
// the fast path may run.
enum thread_extra { EXTRA_FPU = 1, EXTRA_PORTS = 2, EXTRA_SEGMENTS = 4, EXTRA_HELD = 8, EXTRA_TIMER = 16, EXTRA_SHOWN = 32 };

struct thread {
    struct object object;
    struct registers registers;
    struct message_page *page;      // through the direct map
    struct process *process;        // referenced
    struct capability *table_slots; // of its process's table, where the fast path looks
    uint32_t table_size;
    uint8_t call_origin, call_state, effective, call_cancelling; // how its request begins when the fast path has it served
    uint8_t state;                                               // enum thread_state; with `interrupted` behind it: one word
    bool interrupted; // all registers count (left by an interrupt), not only what a system call keeps
    bool in_queue;
    uint8_t priority;
    uint32_t extras; // enum thread_extra; HELD: stopped from outside, not to run though it may be ready
    uint8_t class;
    uint8_t retries; // of its call, for want of memory
    uint64_t fs_base, gs_base;
    void *fpu_area;            // a frame, with EXTRA_FPU
    uint64_t space_root;       // of its process's space, for CR3; constant
    struct request request;    // its call; its number is the thread's: serial constant, count of its last call
    struct request fault;      // its exception or missing page
    struct thread *caller;     // whose plain call it serves, or
    struct request *serving;   // another request that it serves: see thread_serving
    struct request *shown;     // the answer or event that it received last, until it waits again
    struct endpoint *home;     // whose server it is, or NULL
    struct endpoint *waits_at; // WAITING: at this endpoint, or NULL for a notification
    struct list queue_link;    // run queue, or waiters of what it waits for
    struct list process_link;  // process->threads
    struct tree_node timer;    // deadline of its wait or call
    struct cpu *timer_cpu;     // in whose timers it is, or NULL
    struct cpu *cpu;           // where it runs or ran last, or waits for its turn
    struct cpu *fpu_cpu;       // whose FPU registers hold its state, newer than fpu_area; or NULL
    uint64_t affinity;         // a bit for each processor that it may run on
    struct memory *message_memory;
    uint64_t message_address; // in its space
    struct memory *building;  // what its call is making in steps, or NULL; referenced
    uint32_t revoking;        // the slot (by its global number) whose revocation it began and has not finished
    uint64_t cpu_time;        // nanoseconds
    uint64_t slice_left;      // nanoseconds of its turn, while it does not run
    uint64_t fault_words[6];
    uint64_t fault_address, fault_code;
};

error_t thread_create(struct process *process, uint8_t priority, bool fpu, struct thread **out) MUST_USE;
uint64_t thread_next_serial(void);
extern uint64_t thread_count; // that have not ended

// It can go on: out of whatever it waited in, into the run queue.
void thread_wake(struct thread *thread);
// It blocks: out of the run queue.
void thread_block(struct thread *thread, enum thread_state state);
// No instruction of it runs any more until thread_start; a call in progress goes on.
void thread_hold(struct thread *thread);
void thread_start(struct thread *thread);
// Its exception was not repaired: it stays stopped, for its keeper to look at.
void thread_stop(struct thread *thread);
// The request that it serves, or NULL; and setting that. A plain call that nobody gives up is kept as its caller, which is all
// that the fast path has to look at.
static inline struct request *thread_serving(const struct thread *thread) {
    return thread->caller ? &thread->caller->request : thread->serving;
}
void thread_serve(struct thread *thread, struct request *request);
// Ends it: everything it takes part in is ended or withdrawn.
void thread_end(struct thread *thread);
void thread_update_priority(struct thread *thread);
// Sends its exception to the keeper; fault_address and fault_code are set.
void thread_fault(struct thread *thread, uint64_t vector);
// Some processor runs it, or took its last entry into the kernel.
static inline bool thread_runs(const struct thread *thread) {
    return thread->cpu && thread->cpu->current == thread;
}
static inline bool thread_is_allowed(const struct thread *thread, const struct cpu *cpu) {
    return thread->affinity >> cpu->index & 1;
}
static inline bool thread_is_held(const struct thread *thread) {
    return thread->extras & EXTRA_HELD;
}
// Sets the deadline of a wait or call; 0: none.
void thread_set_deadline(struct thread *thread, uint64_t time);
