// What goes on when an actor ends and the next one finds its memory (libipc/kept/undo.h). Between two commits
// nothing that others can see is done: answers, calls, positions of rings, what is released. It is listed,
// and done after the commit; the next actor does all of the list again, and each entry can be done twice.
//
// Fibers stay as they are, where they wait. Their requests ended in ERR_SERVER_LOST, and come again under the
// same numbers: each is given back to its fiber, or answered with its result. A request taken since the last
// commit is new.
//
// What an output changes in our own memory is not committed before the next wait. Should the actor end between, the next one
// learns from `outputs_done` what need not be done again, and from the list what follows from it.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "libipc/server/loop.h"
#include "libipc/transfer/ring_pair.h"

enum { RECOVER_NANOSECONDS = 2 * 1000 * 1000 * 1000u, SLOTS_LISTED = 10 };
#define PATIENCE_NANOSECONDS (UINT64_C(10) * RECOVER_NANOSECONDS)

// Not taken back, and alone in its lines.
static struct {
    uint32_t number; // of the first that was not done
} __attribute__((aligned(64))) outputs_done;

static inline __attribute__((always_inline)) bool is_done(uint32_t number) {
    return (int32_t)(number - outputs_done.number) < 0;
}

static inline __attribute__((always_inline)) struct output *output_at(uint32_t number) {
    return &loop.outputs[number % OUTPUTS_MAX];
}

// Behind the last one there is nothing that counts.
KEPT_UNNOTED static void output_fill(enum output_kind kind, uint64_t a, uint64_t b, void *object, void *object2) {
    *output_at(loop.output_end) = (struct output){kind, a, b, object, object2};
    if (kind != OUTPUT_ACKNOWLEDGE && kind != OUTPUT_GIVE_BACK)
        loop.output_is_due = true;
}

static inline __attribute__((always_inline)) bool has_room(void) {
    return is_noting() && loop.running_once && loop.output_end - loop.output_floor < OUTPUTS_MAX;
}

KEPT_UNNOTED bool loop_output(enum output_kind kind, uint64_t a, uint64_t b, void *object, void *object2) {
    if (!has_room())
        return false;
    output_fill(kind, a, b, object, object2);
    loop.output_end++;
    return true;
}

bool loop_slot_release(cap_t slot) {
    return loop_output(OUTPUT_RELEASE, slot, 0, NULL, NULL);
}

static void acknowledge(uint64_t badge) {
    error_t ignored = endpoint_acknowledge(loop.server->endpoint, badge);
    (void)ignored;
}

KEPT_UNNOTED void loop_acknowledge(uint64_t badge) {
    if (loop.closed == 0 && has_room())
        loop.closed = badge;
    else if (!loop_output(OUTPUT_ACKNOWLEDGE, badge, 0, NULL, NULL))
        acknowledge(badge);
}

// A slot that a capability moved out of is not used again before that is committed: what an actor after this
// one finds in a slot that it knows must be what it knows of.
KEPT_UNNOTED bool loop_slot_give_back(cap_t slot) {
    if (loop.moved_slot != 0)
        return loop_output(OUTPUT_GIVE_BACK, slot, 0, NULL, NULL);
    loop.moved_slot = slot;
    return true;
}

error_t server_unmap(void *address, uint64_t bytes) {
    if (loop_output(OUTPUT_UNMAP, (uintptr_t)address, bytes, NULL, NULL))
        return ERR_OK;
    return process_unmap(SLOT_SELF, (uintptr_t)address, bytes);
}

error_t server_end_process(cap_t process) {
    return loop_output(OUTPUT_END, process, 0, NULL, NULL) ? ERR_OK : process_destroy(process);
}

error_t server_start_thread(cap_t thread) {
    return loop_output(OUTPUT_START, thread, 0, NULL, NULL) ? ERR_OK : thread_start(thread);
}

void server_flush_rings(struct ring_pair *pair, struct ring *pushed, struct ring *popped) {
    for (uint32_t number = loop.output_first; number != loop.output_end; number++)
        if (output_at(number)->kind == OUTPUT_RINGS && output_at(number)->object == pushed)
            return;
    if (!loop_output(OUTPUT_RINGS, (uintptr_t)pair, 0, pushed, popped))
        ring_pair_flush(pair, pushed, popped);
}

KEPT_UNNOTED static struct result *result_take(void) {
    uint32_t taken = loop.results_used | loop.results_resting;
    if (taken == UINT32_MAX)
        return NULL;
    uint32_t index = (uint32_t)__builtin_ctz(~taken);
    loop.results_used |= 1u << index;
    return &loop.results[index];
}

static bool is_used(uint32_t index) {
    return (loop.results_used >> index & 1) != 0;
}

KEPT_UNNOTED static void result_fill(struct result *result, error_t status, const struct reply *reply,
                                     const struct inline_buffer *carried, uint64_t thread, uint64_t count, cap_t slot) {
    result->thread = thread;
    result->count = count;
    result->slot = slot;
    result->status = status;
    result->sent = false;
    result->carried.out = carried->out;
    result->carried.size = carried->size;
    for (unsigned i = 0; carried->out && i < carried->size; i += 8)
        result->carried.data[i / 8] = carried->data[i / 8];
    result->reply.words = result->words;
    result->reply.word_count = result->reply.cap_count = 0;
    if (status != ERR_OK)
        return;
    result->reply.word_count = reply->word_count;
    result->reply.cap_count = reply->cap_count;
    for (unsigned i = 0; i < reply->cap_count; i++)
        result->reply.caps[i] = reply->caps[i];
    for (unsigned i = 0; i < reply->word_count; i++)
        result->words[i] = reply->words[i];
}

bool loop_answer_later(const struct deferred *deferred, error_t status, const struct reply *reply) {
    if (deferred->detached && deferred->failed) { // nothing came of it: it is new when it comes again
        slot_give_back(deferred->reply);
        return true;
    }
    struct result *result = has_room() ? result_take() : NULL;
    if (result == NULL)
        return false;
    result_fill(result, status, reply, &deferred->carried, deferred->number_thread, deferred->number_count, deferred->reply);
    return loop_output(OUTPUT_REPLY, 0, 0, result, NULL);
}

KEPT_UNNOTED static void result_free(struct result *result) {
    if (result->sent)
        loop_reply_sent(&result->reply);
    else
        for (unsigned i = 0; i < result->reply.cap_count; i++)
            if ((result->reply.caps[i] & SEND_CAP_MOVE) != 0)
                slot_release(result->reply.caps[i] & ~SEND_CAP_MOVE);
    uint32_t bit = 1u << (result - loop.results);
    loop.results_resting |= bit;
    loop.results_used &= ~bit;
}

KEPT_UNNOTED static void result_send(struct result *result) {
    struct ipc_registers registers = {.second = result->slot};
    loop_load_result(result, &registers);
    result->sent = system_call(SYS_REPLY, &registers) == ERR_OK;
}

// What the kernel is asked for.
static void output_do(const struct output *output) {
    struct result *result = output->object;
    error_t error = ERR_OK;
    switch (output->kind) {
    case OUTPUT_REPLY:
        if (result->slot != 0)
            result_send(result);
        break;
    case OUTPUT_RELEASE:
        error = process_slot_delete(SLOT_SELF, output->a);
        break;
    case OUTPUT_ACKNOWLEDGE:
        acknowledge(output->a);
        break;
    case OUTPUT_UNMAP:
        error = process_unmap(SLOT_SELF, output->a, output->b);
        break;
    case OUTPUT_END:
        error = process_destroy((cap_t)output->a);
        break;
    case OUTPUT_START:
        error = thread_start((cap_t)output->a);
        break;
    case OUTPUT_GIVE_BACK:
    case OUTPUT_RINGS:
        break;
    }
    (void)error; // an actor before may have done it, and ended before it could say so
}

static void reply_settle(struct result *result) {
    if (result->slot != 0 && loop.spare_slot == 0)
        loop.spare_slot = result->slot;
    else
        slot_give_back_now(result->slot);
    if (result->sent || !loop.recovering)
        result_free(result);
    else
        result->slot = 0;
}

// What follows from it in our own memory.
static void output_settle(const struct output *output) {
    if (output->kind == OUTPUT_REPLY)
        reply_settle(output->object);
    else if (output->kind == OUTPUT_RELEASE || output->kind == OUTPUT_GIVE_BACK)
        slot_give_back_now((cap_t)output->a);
}

KEPT_UNNOTED static void outputs_run(void) {
    for (uint32_t end = loop.output_end; loop.output_first != end; loop.output_first++) { // not what comes meanwhile
        const struct output *output = output_at(loop.output_first);
        loop_point(POINT_OUTPUT);
        if (output->kind == OUTPUT_RINGS) { // most are; may be done as often as one likes
            bool wanted = ring_pair_publish(output->object, output->object2);
            loop_point(POINT_OUTPUT);
            if (wanted || loop.recovering)
                ring_pair_signal((const struct ring_pair *)(uintptr_t)output->a); // NOLINT
            continue;
        }
        if (!is_done(loop.output_first))
            output_do(output);
        outputs_done.number = loop.output_first + 1;
        output_settle(output);
    }
}

static void calls_send(void) {
    for (struct fiber *fiber; (fiber = fiber_unqueue(&loop.sending)) != NULL;) {
        loop_point(POINT_OUTPUT);
        fiber_send(fiber);
    }
}

// What was free at the commit may be used.
KEPT_UNNOTED static void let_use(void) {
    loop.output_floor = loop.output_first;
    loop.results_resting = 0;
    loop.output_is_due = false;
    loop.commit_by = 0;
}

// Slots and badges that need no list: one of each between two commits, mostly.
KEPT_UNNOTED static void settle_first(void) {
    cap_t moved = loop.moved_slot;
    if (moved != 0) {
        loop.moved_slot = 0;
        if (loop.spare_slot == 0)
            loop.spare_slot = moved;
        else
            slot_give_back_now(moved);
    }
    if (loop.closed != 0) {
        loop_point(POINT_OUTPUT);
        acknowledge(loop.closed);
        loop.closed = 0;
    }
}

KEPT_UNNOTED void loop_commit(void) {
    if (!is_noting())
        return;
    loop_note_receive_slots();
    if (loop.resting != NULL)
        fiber_refill_pool();
    if (loop.finished != NULL)
        fiber_retire(loop.finished);
    kept_commit();
    let_use();
    loop_point(POINT_COMMIT);
    settle_first();
    if (loop.output_first != loop.output_end)
        outputs_run();
    if (loop.sending.first != NULL)
        calls_send();
}

void loop_keep_result(const struct fiber *fiber) {
    struct result *result = result_take();
    if (result != NULL)
        result_fill(result, fiber->result, &fiber->request.reply, &fiber->request.carried, fiber->request.number_thread,
                    fiber->request.number_count, 0);
}

error_t fiber_attach(struct request *request) {
    struct fiber *fiber = loop.running;
    while (fiber->detached && request->state == REQUEST_OPEN)
        if (fiber_wait_until(&loop.attached, loop.recover_until) == ERR_DEADLINE)
            request->state = REQUEST_GONE;
    return request->state == REQUEST_OPEN ? ERR_OK : ERR_NO_REQUEST;
}

// Callers of fibers that were detached before this time have ended: the fibers unwind, wherever they wait.
static void fibers_expire(uint64_t before) {
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        struct fiber *fiber = loop.fibers[i];
        if (fiber->state == FIBER_IDLE || !fiber->detached || fiber->request.state != REQUEST_OPEN ||
            fiber->detached_at >= before)
            continue;
        fiber->request.state = REQUEST_GONE;
        fiber_give_up(fiber);
    }
}

// Nobody asks any more: those that still wait are gone.
static void recover_end(struct timer *timer) {
    (void)timer;
    loop.recovering = false;
    fibers_expire(UINT64_MAX);
    for (uint32_t i = 0; i < RESULTS_MAX; i++)
        if (is_used(i) && loop.results[i].slot == 0)
            result_free(&loop.results[i]);
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        slot_release(loop.orphans[i]);
        loop.orphans[i] = 0;
    }
    fiber_wake_all(&loop.attached);
}

static bool put_aside(cap_t slot) {
    struct ipc_registers registers = {.tag = slot};
    return system_call(SYS_SERVE, &registers) == ERR_OK;
}

// A capability that was moved the first time did not come the second time.
static void adopt_orphans(uint64_t tag) {
    for (unsigned i = 0; i < tag_caps(tag) && i < MESSAGE_CAPS; i++) {
        if (ipc_page->received_caps[i] != 0 || loop.orphans[i] == 0)
            continue;
        ipc_page->received_caps[i] = loop.orphans[i];
        loop.orphans[i] = 0;
    }
}

bool loop_attach(const struct ipc_registers *registers) {
    uint64_t thread = registers->second, count = registers->third;
    for (uint32_t i = 0; i < RESULTS_MAX; i++) {
        struct result *result = &loop.results[i];
        if (!is_used(i) || result->thread != thread || result->slot != 0)
            continue;
        bool same = result->count == count;
        if (same) {
            loop_drop_caps(registers->tag);
            loop_note_receive_slots();
            kept_commit();
            result_send(result); // it may come once more: `recovering` is still on then
        }
        result_free(result); // a newer number retires an older one
        if (same)
            return true;
    }
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        struct fiber *fiber = loop.fibers[i];
        if (!fiber->detached || fiber->request.number_thread != thread || fiber->request.number_count != count)
            continue;
        loop_drop_caps(registers->tag);
        if (!put_aside(fiber->reply_slot))
            return false;
        fiber->aside = true;
        fiber->detached = false;
        fiber_wake_all(&loop.attached);
        return true;
    }
    for (struct deferred *deferred = loop.deferred; deferred != NULL; deferred = deferred->next) {
        if (!deferred->detached || deferred->number_thread != thread || deferred->number_count != count)
            continue;
        loop_drop_caps(registers->tag);
        if (!put_aside(deferred->reply))
            return false;
        deferred->detached = deferred->failed = false;
        return true;
    }
    adopt_orphans(registers->tag);
    return false;
}

// Sessions whose making was taken back, by badge, until they are told to be gone. The same badges are given
// again, so an event that comes late would end the wrong session. A window makes a few of them.
enum { DROPPED_MOST = 64 };
static uint64_t dropped[DROPPED_MOST];
static uint32_t dropped_count;

static void drop(cap_t slot, uint64_t kind) {
    uint64_t badge;
    if (kind == CAP_SESSION && dropped_count < DROPPED_MOST && endpoint_identify(loop.server->endpoint, slot, &badge) == ERR_OK)
        dropped[dropped_count++] = badge;
    error_t ignored = process_slot_delete(SLOT_SELF, slot);
    (void)ignored;
}

// Slots that became free with the last commit may have been used again since.
static void clean_slot(uint64_t slot) {
    uint64_t at = slot, kind;
    if (slot != 0 && process_slot_next(SLOT_SELF, at, &at, &kind, NULL, NULL, NULL) == ERR_OK && at == slot)
        drop((cap_t)slot, kind);
}

static void clean_slots(void) {
    clean_slot(loop.moved_slot);
    clean_slot(loop.spare_slot);
    for (uint32_t number = loop.output_first; number != loop.output_end; number++) {
        const struct output *output = output_at(number);
        if (output->kind == OUTPUT_RELEASE || output->kind == OUTPUT_GIVE_BACK)
            clean_slot(output->a);
    }
}

// Capabilities that nobody knows of: their making was taken back.
static void drop_unknown(void) {
    uint64_t slot = SLOTS_LISTED, kind;
    while (process_slot_next(SLOT_SELF, slot, &slot, &kind, NULL, NULL, NULL) == ERR_OK) {
        cap_t at = (cap_t)slot++;
        if (!slot_is_taken(at))
            drop(at, kind);
    }
}

static void dropped_gone(uint64_t badge) {
    for (uint32_t i = 0; i < dropped_count; i++)
        if (dropped[i] == badge)
            dropped[i--] = dropped[--dropped_count];
}

// Takes events and answers until all of them were told; a request is the last.
static void show_gone(void) {
    while (dropped_count != 0) {
        struct ipc_registers registers = {.target = loop.server->endpoint, .tag = TAG_DEADLINE};
        ipc_page->deadline = 0; // not to wait: a copy of one may be with somebody
        error_t error = system_call(SYS_WAIT, &registers);
        if (error == WAIT_NOTIFICATION)
            continue; // all bits are set below
        if (error != ERR_OK)
            return;
        bool answer = (registers.tag & TAG_ANSWER) != 0;
        bool closed = !answer && tag_method(registers.tag) == EVENT_SESSION_CLOSED;
        bool request = !answer && !closed && tag_method(registers.tag) != EVENT_CANCEL;
        if (closed)
            dropped_gone(registers.target);
        loop_deliver(&registers);
        if (request)
            return;
    }
}

static void detach_requests(void) {
    loop.running = loop.served = loop.finished = NULL;
    if (loop.answers != loop.answered)
        loop_keep_result(loop.pool);
    loop.answers = loop.answered;
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        struct fiber *fiber = loop.fibers[i];
        if (fiber->state == FIBER_COMMITTING)
            fiber_make_ready(fiber);
        if (fiber->state == FIBER_IDLE)
            fiber_forget(fiber);
        if (fiber->state == FIBER_IDLE || !fiber->serves || fiber->request.state != REQUEST_OPEN)
            continue;
        fiber->aside = false;
        if (!fiber->detached)
            fiber->detached_at = clock_monotonic();
        fiber->detached = true;
    }
    for (struct deferred *deferred = loop.deferred; deferred != NULL; deferred = deferred->next)
        deferred->detached = true;
    for (uint32_t i = 0; i < RESULTS_MAX; i++) {
        if (is_used(i) && loop.results[i].slot != 0) {
            slot_give_back(loop.results[i].slot);
            loop.results[i].slot = 0;
        }
    }
}

// Receive slots that hold something: it came with what was taken back.
static void take_receive_slots(void) {
    uint64_t kind;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        uint64_t at = loop.receive_slots[i];
        if (at != 0 && process_slot_next(SLOT_SELF, at, &at, &kind, NULL, NULL, NULL) == ERR_OK && at == loop.receive_slots[i]) {
            slot_release(loop.orphans[i]);
            loop.orphans[i] = loop.receive_slots[i];
            loop.receive_slots[i] = 0;
        }
        ipc_page->receive_slots[i] = loop.receive_slots[i];
    }
}

error_t server_resume(const struct startup *startup) {
    (void)startup;
    if (!kept_rollback() || !loop.running_once || loop.server == NULL)
        return ERR_CORRUPT;
    loop_forget_point();
    slot_release_later = slot_give_back_later = NULL;
    slot_spare = NULL;
    ipc_exchange = NULL;
    ipc_deadline = 0;
    handover_forget();
    detach_requests();
    take_receive_slots();
    dropped_count = 0;
    clean_slots();
    let_use();
    loop.put_aside = 0;
    loop.recovering = true;
    loop.recover_until = clock_monotonic() + RECOVER_NANOSECONDS;
    timer_set(&loop.recover_timer, loop.recover_until, recover_end);
    drop_unknown();
    loop_commit(); // outputs and calls that may have gone out before
    kept_commit();
    show_gone();
    if (loop.server->resumed != NULL)
        loop.server->resumed();
    // A role that is restarted all the time never comes to recover_end.
    uint64_t now = clock_monotonic();
    fibers_expire(now > PATIENCE_NANOSECONDS ? now - PATIENCE_NANOSECONDS : 0);
    if (loop.server->notification != 0) {
        error_t error = notification_signal(loop.server->notification, UINT64_MAX);
        (void)error;
    }
    kept_commit();
    return loop_run();
}
