// One call of a kernel object's method: its words, the capabilities that came along, where results go. The decoder checks
// counts and rights against the table made from the .idl files before a method runs, so methods only check meaning.
#pragma once

#include "kernel/abi/methods.h"
#include "kernel/cap/capability.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"

struct invocation {
    struct thread *thread;                 // the caller
    struct process *process;               // its process
    struct capability *slot;               // what was called
    struct capability *caps[MESSAGE_CAPS]; // capabilities sent: slots in use of the caller's table
    struct capability *out[MESSAGE_CAPS];  // empty slots for results
    uint64_t in[MESSAGE_WORDS];            // all words sent
    uint64_t reply[MESSAGE_WORDS];         // words of the answer
    bool gone;                             // the caller ended itself
};

// Runs a method of the kernel object in `slot` for the thread; registers hold the result afterwards.
// A method that is not done returns ERR_AGAIN: the same call runs again after others had their turn.
void invoke_object(struct thread *thread, struct capability *slot);
// It goes on `done` bytes further: words 0 (an offset or address) and 1 (a length) of the call are moved on. ERR_AGAIN.
error_t invocation_advance(const struct invocation *call, uint64_t done) MUST_USE;

// The object behind the i-th capability sent. ERR_WRONG_KIND, ERR_RIGHTS.
error_t invocation_object(const struct invocation *call, uint32_t i, enum capability_kind kind, uint16_t rights,
                          void *out) MUST_USE;
// Unless there was an error, which is returned, a new object becomes the first result: its first reference is given over to the
// slot.
error_t invocation_give(struct invocation *call, error_t error, enum capability_kind kind, void *object,
                        uint16_t rights) MUST_USE;

// The same for memory that was made in steps (thread->building).
error_t invocation_give_built(struct invocation *call, error_t error, uint16_t rights) MUST_USE;

// The lent buffers of the call, for methods that copy.
struct copy_side invocation_lent(const struct invocation *call, bool write, uint64_t *length);

error_t process_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t thread_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t endpoint_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t call_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t notification_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t memory_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t irq_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t ioport_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t account_invoke(struct invocation *call, uint32_t method) MUST_USE;
error_t kernel_invoke(struct invocation *call, uint32_t method) MUST_USE;
