// Trace points: what happened, as records of fixed size in one ring for each processor. A ring is memory that
// the tracer pays for and can only read; the kernel writes through the direct map, so nothing that the tracer
// does is felt here. A point whose class is off costs one test. Events and records:
// libipc/protocols/kernel.idl. Invariant: `trace_on` has a bit only while some ring exists.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/methods.h"
#include "kernel/memory/direct_map.h"

struct account;
struct memory;
struct object;
struct request;
struct thread;

enum { TRACE_EVENT_CLASS_SHIFT = 4, TRACE_OBJECT_SHIFT = 4, TRACE_CLASSES_SLOW = TRACE_CLASS_IPC | TRACE_CLASS_SCHEDULE };

// Of enum trace_class. With one of TRACE_CLASSES_SLOW every system call takes the slow path.
extern uint32_t trace_on;

// thread NULL: whoever entered the kernel last.
__attribute__((cold)) void trace_write(enum trace_event event, const struct thread *thread, uint64_t code, uint64_t other,
                                       uint64_t value);
__attribute__((cold)) void trace_write_request(enum trace_event event, const struct request *request, uint64_t code,
                                               const uint64_t *words);
__attribute__((cold)) void trace_write_words(const uint64_t *words, uint32_t count); // the first six

static inline bool trace_is_on(enum trace_event event) {
    return __builtin_expect(trace_on >> (event >> TRACE_EVENT_CLASS_SHIFT) & 1, 0);
}
static inline void trace_event(enum trace_event event, const struct thread *thread, uint64_t code, uint64_t other,
                               uint64_t value) {
    if (trace_is_on(event))
        trace_write(event, thread, code, other, value);
}
// What became of a request, by the current thread; `words`: of its message, as many as it says, or NULL.
static inline void trace_request(enum trace_event event, const struct request *request, uint64_t code, const uint64_t *words) {
    if (trace_is_on(event))
        trace_write_request(event, request, code, words);
}
// A number for an object that says nothing about the kernel's addresses.
static inline uint32_t trace_object(const void *object) {
    return (uint32_t)(direct_map_physical(object) >> TRACE_OBJECT_SHIFT);
}

// The ring of a processor, made in steps as memory_create_contiguous does. ERR_NOT_FOUND, ERR_BUSY (it has
// one), ERR_INVALID, ERR_QUOTA, ERR_NO_MEMORY.
error_t trace_ring_create(uint64_t cpu, uint64_t length, struct account *account, struct memory **out) MUST_USE;
error_t trace_start(uint64_t classes, uint64_t rate) MUST_USE;
// What a tick of the sampling timer, an NMI, interrupted: user code; or the kernel, at any instruction,
// without its lock.
void trace_sample_user(const struct thread *thread);
void trace_sample_kernel(uint32_t cpu, uint64_t address, uint64_t frame);
// No capability to the memory is left: if it is a ring, nothing is written to it any more.
void trace_memory_unreachable(struct object *object);
