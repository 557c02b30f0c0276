// The pool of fibers, their stacks, and switching to and from them. A fiber's control block lies at the top
// of its own stack memory; a fiber that has ended goes back to the pool with its stack as it is, so that the
// next request on it starts with one switch.
#include "libipc/server/fiber.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/slot.h"
#include "libipc/include/pages.h"
#include "libipc/server/loop.h"

// Control blocks begin apart, or their first lines, noted again and again, would have one place in the log's memory of lines.
enum { SAVED_REGISTERS = 6, SAVED_RBX = 4, STAGGERS = 8, STAGGER_BYTES = 64 };

// The memory of a fiber that is idle means nothing, so this and fiber_forget need no notes.
// The first switch to the fiber pops these and returns into fiber_enter, with the fiber in rbx.
KEPT_UNNOTED static void fiber_prepare(struct fiber *fiber) {
    uintptr_t top = (uintptr_t)fiber & ~(uintptr_t)15;
    uint64_t *frame = (uint64_t *)top - 1; // taken off, it leaves the stack aligned to 16
    frame[0] = (uint64_t)(uintptr_t)fiber_enter;
    frame -= SAVED_REGISTERS;
    for (unsigned i = 0; i < SAVED_REGISTERS; i++)
        frame[i] = 0;
    frame[SAVED_RBX] = (uint64_t)(uintptr_t)fiber;
    fiber->stack_pointer = frame;
}

static uint32_t fiber_limit(void) {
    uint32_t limit = loop.server->fiber_limit;
    return limit != 0 && limit < FIBER_MAX ? limit : FIBER_MAX;
}

// `whole`: every page of its stack is there at once.
static struct fiber *fiber_create(bool whole) {
    struct server *server = loop.server;
    uint64_t bytes = server->stack_bytes != 0 ? server->stack_bytes : SERVER_STACK_BYTES;
    if (loop.fiber_count >= fiber_limit())
        return NULL;
    void *low;
    error_t error = server->stack_create != NULL ? server->stack_create(bytes, &low) : server_stack_create(bytes, &low);
    if (error != ERR_OK)
        return NULL;
    if (whole)
        pages_touch(low, bytes);
    uint64_t above = loop.fiber_count % STAGGERS * STAGGER_BYTES;
    struct fiber *fiber = (struct fiber *)((uintptr_t)low + bytes - above - sizeof(struct fiber));
    *fiber = (struct fiber){.state = FIBER_IDLE, .cookie = loop.cookie_base + loop.fiber_count};
    fiber->request.words = fiber->words;
    fiber->stack_low = low;
    if (fiber_create_call(fiber) != ERR_OK)
        return NULL; // its stack stays: memory is short, and the account's end frees it
    fiber_prepare(fiber);
    loop.fibers[loop.fiber_count++] = fiber;
    return fiber;
}

bool fiber_reserve(void) {
    if (loop.pool != NULL || loop.resting != NULL)
        return true;
    struct fiber *fiber = fiber_create(false);
    if (fiber == NULL)
        return false;
    fiber->next = loop.pool; // nothing of it is committed
    loop.pool = fiber;
    return true;
}

error_t fiber_fill_pool(void) {
    uint32_t wanted = loop.server->fibers != 0 ? loop.server->fibers : SERVER_FIBERS;
    while (loop.fiber_count < wanted && loop.fiber_count < fiber_limit()) {
        struct fiber *fiber = fiber_create(true);
        if (fiber == NULL)
            return ERR_NO_MEMORY;
        fiber->next = loop.pool;
        loop.pool = fiber;
    }
    return ERR_OK;
}

// From `low` to `end` all was noted, or need not be.
KEPT_UNNOTED static void fiber_is_noted(struct fiber *fiber, void *end) {
    fiber->noted_in = undo.commits;
    fiber->noted_end = end;
}

KEPT_UNNOTED void fiber_note(struct fiber *fiber) {
    if (!is_noting() || fiber->noted_in == undo.commits)
        return;
    kept_note_stack(fiber->stack_pointer, fiber->words);
    fiber_is_noted(fiber, fiber->words);
}

KEPT_UNNOTED void fiber_note_woken(struct fiber *fiber) {
    if (is_shallow())
        fiber_note(fiber);
    else if (fiber->noted_in != undo.commits)
        kept_note(fiber, offsetof(struct fiber, answer));
}

// One that rests was not idle when the last commit was made: all of it is noted.
KEPT_UNNOTED struct fiber *fiber_take(void) {
    struct fiber **list = loop.pool != NULL ? &loop.pool : &loop.resting, *fiber = *list;
    if (fiber == NULL || (fiber->reply_slot == 0 && slot_take(&fiber->reply_slot) != ERR_OK))
        return NULL;
    if (list == &loop.resting) {
        if (is_noting())
            kept_note_stack(fiber->stack_pointer, fiber + 1);
        kept_note_line(&loop.resting);
    } else {
        kept_note_line(fiber); // FIBER_IDLE_BYTES
    }
    *list = fiber->next;
    if (is_noting())
        fiber_is_noted(fiber, fiber + 1);
    fiber->state = FIBER_READY;
    fiber->serves = fiber->aside = fiber->detached = false;
    fiber->timed_out = fiber->is_held = fiber->is_dropped = false;
    fiber->deadline = 0;
    fiber->function = NULL;
    return fiber;
}

// Taken since the last commit: it was idle at that time, or all of it is noted.
KEPT_UNNOTED static bool is_just_taken(const struct fiber *fiber) {
    return fiber->noted_in == undo.commits && fiber->noted_end == fiber + 1;
}

KEPT_UNNOTED void fiber_recycle(struct fiber *fiber) {
    struct fiber **list = &loop.pool;
    if (is_noting() && !is_just_taken(fiber)) {
        list = &loop.resting;
        kept_note_line(list);
    }
    kept_note_line(fiber);
    fiber->state = FIBER_IDLE;
    fiber->next = *list;
    *list = fiber;
}

// It has just run, so that its memory is noted.
KEPT_UNNOTED void fiber_retire(struct fiber *fiber) {
    fiber->state = FIBER_IDLE;
    fiber->next = loop.pool;
    loop.pool = fiber;
    loop.answers++;
}

KEPT_UNNOTED void fiber_refill_pool(void) {
    kept_note_line(&loop.resting);
    for (struct fiber *fiber; (fiber = loop.resting) != NULL;) {
        kept_note_line(fiber);
        loop.resting = fiber->next;
        fiber->next = loop.pool;
        loop.pool = fiber;
    }
}

KEPT_UNNOTED void fiber_forget(struct fiber *fiber) {
    fiber->serves = fiber->aside = fiber->detached = false;
    fiber->timed_out = fiber->is_held = fiber->is_dropped = false;
    fiber->queue = NULL;
    fiber->timer = (struct timer){0};
    fiber->request.words = fiber->words;
    fiber->request.cancelled = false;
    fiber_prepare(fiber);
}

static error_t request_run(struct request *request) {
    struct server *server = loop.server;
    if (request_protocol(request) == 0)
        return server->event != NULL ? server->event(request) : ERR_BAD_METHOD;
    return server->dispatch(request);
}

// What a fiber does, again and again, from its first switch on. This and fiber_leave store to its own noted memory.
KEPT_UNNOTED void fiber_body(struct fiber *fiber) {
    for (;;) {
        if (fiber->function != NULL) {
            fiber->function(fiber->argument);
        } else {
            struct request *request = &fiber->request;
            error_t status = request_run(request);
            for (unsigned i = 0; i < MESSAGE_CAPS; i++)
                slot_release(request->caps[i]);
            if (status != ERR_OK)
                request->reply.word_count = request->reply.cap_count = 0;
            fiber->result = status;
        }
        fiber_leave(FIBER_FINISHED);
    }
}

struct fiber *fiber_current(void) {
    return loop.running;
}

KEPT_UNNOTED void fiber_leave(enum fiber_state state) {
    struct fiber *fiber = loop.running;
    fiber->state = state;
    fiber_switch(&fiber->stack_pointer, loop.stack_pointer);
}

// These two store to the noted memory of the fiber, and to what the next actor sets anew.
KEPT_UNNOTED static void run(struct fiber *fiber) {
    fiber_note(fiber);
    if (is_noting()) // no store to what was noted needs a note while it runs
        stack_set(fiber->stack_low, (uintptr_t)fiber->noted_end - (uintptr_t)fiber->stack_low);
    fiber->state = FIBER_RUNNING;
    loop.running = fiber;
    fiber_switch(&loop.stack_pointer, fiber->stack_pointer);
    loop.running = NULL;
}

void fiber_commit(void) {
    if (loop.running != NULL && is_noting())
        fiber_leave(FIBER_COMMITTING);
}

void fiber_breathe(void) {
    if (kept_is_deep())
        fiber_commit();
}

// A handler returned what is no status. Nothing of it is committed, so the next actor does the request again.
__attribute__((noinline)) static void answers_nonsense(void) {
    __builtin_trap();
}

KEPT_UNNOTED void fiber_resume(struct fiber *fiber) {
    if (loop.finished != NULL && loop.finished != fiber)
        loop_answer_now();
    loop_serve(fiber->serves && !fiber->detached ? fiber : NULL);
    uint64_t outer_deadline = ipc_deadline;
    if (outer_deadline != fiber->deadline)
        ipc_deadline = fiber->deadline;
    run(fiber);
    while (fiber->state == FIBER_COMMITTING) {
        loop_note_receive_slots();
        kept_commit();
        loop_point(POINT_COMMIT);
        run(fiber);
    }
    fiber->deadline = ipc_deadline;
    if (ipc_deadline != outer_deadline)
        ipc_deadline = outer_deadline;
    if (fiber->state != FIBER_FINISHED)
        return;
    if (fiber->serves && fiber->request.state == REQUEST_OPEN) {
        if (__builtin_expect(fiber->result > ERR_OK, 0))
            answers_nonsense();
        if (fiber->detached) {
            loop_keep_result(fiber);
            fiber->detached = false;
            fiber_recycle(fiber);
            return;
        }
        if (__builtin_expect(fiber->is_dropped, 0) && fiber->result == ERR_CANCELLED) {
            fiber->state = FIBER_DROPPED; // its caller's stub sends it to the next actor
            return;
        }
        loop.finished = fiber;
        return;
    }
    if (loop.served == fiber)
        loop.served = NULL; // forwarded, deferred or gone: the kernel holds nothing for it
    fiber_recycle(fiber);
}

error_t fiber_start(void (*function)(void *argument), void *argument) {
    struct fiber *fiber = fiber_reserve() ? fiber_take() : NULL;
    if (fiber == NULL)
        return ERR_NO_MEMORY;
    fiber->function = function;
    fiber->argument = argument;
    fiber_make_ready(fiber);
    return ERR_OK;
}
