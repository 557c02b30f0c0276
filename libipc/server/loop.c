// The loop itself: run the fibers that are ready, then wait at the endpoint, answering with the same kernel
// entry if an answer is due, then deliver what came: a request, an answer, an event, signals, the passing of
// a deadline.
#include "libipc/server/loop.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/include/pages.h"
#include "libipc/protocols/endpoint.h"

enum { LATEST_COMMIT_NANOSECONDS = 10 * 1000 * 1000 };

struct loop loop;
struct server_refuses server_refuses; // written by init, between two actors
struct server_messages server_messages;

static void request_is_gone(struct request *request) {
    request->state = REQUEST_GONE;
}

// What it stores the next actor sets anew.
KEPT_UNNOTED void loop_serve(struct fiber *fiber) {
    if (loop.served == fiber)
        return;
    struct fiber *before = loop.served;
    struct ipc_registers registers = {.tag = before != NULL ? before->reply_slot : 0,
                                      .second = fiber != NULL && fiber->aside ? fiber->reply_slot : 0};
    error_t error = system_call(SYS_SERVE, &registers);
    if (error != ERR_OK && fiber != NULL) { // its caller is gone; the other one is put aside all the same
        request_is_gone(&fiber->request);
        registers = (struct ipc_registers){.tag = before != NULL ? before->reply_slot : 0};
        error = system_call(SYS_SERVE, &registers);
    }
    if (before != NULL)
        before->aside = true;
    if (fiber != NULL)
        fiber->aside = false;
    loop.served = fiber;
}

void loop_drop_caps(uint64_t tag) {
    cap_t received[MESSAGE_CAPS];
    __builtin_memcpy(received, ipc_page->received_caps, sizeof(received));
    for (unsigned i = 0; i < tag_caps(tag) && i < MESSAGE_CAPS; i++) {
        for (unsigned slot = 0; slot < MESSAGE_CAPS; slot++)
            if (ipc_page->receive_slots[slot] == received[i])
                ipc_page->receive_slots[slot] = 0;
        slot_release(received[i]);
    }
}

// Without a slot a capability does not arrive, and the dispatcher refuses the request.
static void receive_slots_refill(void) {
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        if (ipc_page->receive_slots[i] == 0 && slot_take(&ipc_page->receive_slots[i]) != ERR_OK)
            ipc_page->receive_slots[i] = 0;
    }
}

// The next actor sets these anew: no notes.
KEPT_UNNOTED void loop_aside(void) {
    loop.served->aside = true;
    loop.served = NULL;
    loop.put_aside++;
}

KEPT_UNNOTED static void set_served(struct fiber *served, struct fiber *finished) {
    loop.served = served;
    loop.finished = finished;
}

// A request refused before it has a fiber.
static void refuse(const struct ipc_registers *registers, error_t status) {
    loop_drop_caps(registers->tag);
    struct ipc_registers answer = {.tag = TAG((uint16_t)status, 0)};
    error_t ignored = system_call(SYS_REPLY, &answer);
    (void)ignored;
}

// Into a fiber just taken, whose memory need not be noted.
KEPT_UNNOTED static void request_fill(struct request *request, const struct ipc_registers *registers) {
    uint64_t tag = registers->tag;
    request->badge = registers->target;
    request->tag = tag;
    request->number_thread = registers->second;
    request->number_count = registers->third;
    MESSAGE_NOTE((uint32_t)registers->second, (uint16_t)tag_method(tag), MESSAGE_TAKEN, registers->third);
    request->state = REQUEST_OPEN;
    request->cancelled = request->observes = false;
    request->carried.in = request->carried.out = false;
    request->carried.size = 0;
    request->reply = (struct reply){.words = request->words};
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        request->words[i] = registers->words[i];
    request->lent_read_length = request->lent_write_length = 0;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        request->caps[i] = 0;
    if ((tag & TAG_SLOW) == 0)
        return;
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < tag_words(tag) && i < MESSAGE_WORDS; i++)
        request->words[i] = ipc_page->words[i];
    if ((tag & TAG_LEND_READ) != 0)
        request->lent_read_length = ipc_page->lent_read_length;
    if ((tag & TAG_LEND_WRITE) != 0)
        request->lent_write_length = ipc_page->lent_write_length;
    for (unsigned i = 0; i < tag_caps(tag) && i < MESSAGE_CAPS; i++) {
        request->caps[i] = ipc_page->received_caps[i];
        for (unsigned slot = 0; slot < MESSAGE_CAPS; slot++)
            if (request->caps[i] != 0 && ipc_page->receive_slots[slot] == request->caps[i])
                ipc_page->receive_slots[slot] = 0;
    }
}

// A request that init has named, or any one if it is to be mistreated.
static bool deliver_named(const struct ipc_registers *registers) {
    bool named = registers->second == server_refuses.thread && registers->third == server_refuses.count;
    bool mistreated = server_refuses.thread == SERVER_MISTREATS && tag_method(registers->tag) >> 8 != 0;
    struct fiber *fiber = mistreated ? fiber_take() : NULL;
    if (named)
        refuse(registers, ERR_REFUSED);
    if (fiber == NULL)
        return named;
    request_fill(&fiber->request, registers);
    fiber->serves = true;
    set_served(fiber, loop.finished);
    loop_mistreat(fiber);
    fiber_resume(fiber);
    return true;
}

// It begins when the role has gone to the other build, or stays.
static void hold(struct fiber *fiber) {
    fiber->state = FIBER_READY;
    fiber->is_held = true;
    fiber_queue(&loop.held, fiber);
}

static void deliver_request(const struct ipc_registers *registers) {
    if (__builtin_expect(server_refuses.thread != 0, 0) && deliver_named(registers))
        return;
    if (__builtin_expect(loop.recovering, 0) && loop_attach(registers))
        return;
    struct fiber *fiber = fiber_take();
    if (fiber == NULL) {
        refuse(registers, ERR_NO_MEMORY);
        return;
    }
    request_fill(&fiber->request, registers);
    fiber->serves = true;
    set_served(fiber, loop.finished);
    if (__builtin_expect(loop.holding, 0) && (loop.taking || request_protocol(&fiber->request) != 0)) { // events come only once
        hold(fiber);
        return;
    }
    fiber_resume(fiber);
}

void loop_close_session(void *argument) {
    uint64_t badge = (uint64_t)(uintptr_t)argument;
    if (loop.server->session_closed != NULL)
        loop.server->session_closed(badge);
    loop_acknowledge(badge);
}

// Without memory for a fiber the session stays unacknowledged; the next actor is shown it again.
KEPT_UNNOTED static void deliver_closed(uint64_t badge) {
    struct fiber *fiber = fiber_reserve() ? fiber_take() : NULL;
    if (fiber == NULL)
        return;
    fiber->function = loop_close_session;
    fiber->argument = (void *)(uintptr_t)badge; // NOLINT(performance-no-int-to-ptr)
    if (loop.holding)
        hold(fiber);
    else
        fiber_resume(fiber);
}

static void deliver_bits(uint64_t bits) {
    struct server *server = loop.server;
    while (bits != 0) {
        uint32_t bit = (uint32_t)__builtin_ctzll(bits);
        bits &= bits - 1;
        if (server->bits[bit].handler != NULL)
            server->bits[bit].handler(server->bits[bit].argument, bit);
    }
}

void loop_deliver(const struct ipc_registers *registers) {
    uint64_t tag = registers->tag;
    if ((tag & TAG_ANSWER) != 0) {
        fiber_answer(registers);
    } else if (tag_method(tag) == EVENT_SESSION_CLOSED) {
        deliver_closed(registers->target);
    } else if (tag_method(tag) == EVENT_CANCEL) {
        fiber_cancel(registers->words[0], registers->words[1]);
    } else {
        deliver_request(registers);
    }
}

// Not noted: after a wait that follows nothing it is set anew.
KEPT_UNNOTED static void set_since(enum loop_since since) {
    loop.since = since;
}

KEPT_UNNOTED static void set_time(uint64_t now) {
    loop.time = now;
}

static void happened(enum loop_since what) {
    if (loop.since < what)
        set_since(what);
}

// What came of a message, now that it is delivered.
static enum loop_since consequence(uint64_t tag) {
    bool comes_again = tag_method(tag) >> 8 != 0 || tag_method(tag) == EVENT_SESSION_CLOSED;
    if ((tag & TAG_ANSWER) != 0 || !comes_again || tag_caps(tag) != 0)
        return SINCE_MORE;
    return loop.finished != NULL && loop.finished->request.observes ? SINCE_OBSERVED : SINCE_TAKEN;
}

// Whether the next wait, with which `finished` is answered, can do without a commit.
static bool needs_no_commit(const struct fiber *finished) {
    if (loop.since > (finished != NULL ? SINCE_OBSERVED : SINCE_TAKEN))
        return false;
    return is_noting() && !loop.output_is_due && loop.sending.first == NULL && is_shallow() && !loop.recovering && !loop.asked &&
           !loop.holding;
}

// Outputs that are not due wait for a commit, but not for ever.
KEPT_UNNOTED static uint64_t commit_deadline(void) {
    if (loop.output_first == loop.output_end && loop.closed == 0)
        return 0;
    if (loop.commit_by == 0)
        loop.commit_by = (loop.time != 0 ? loop.time : clock_monotonic()) + LATEST_COMMIT_NANOSECONDS;
    return loop.commit_by;
}

static uint64_t earlier(uint64_t a, uint64_t b) { // 0: never
    return a == 0 || (b != 0 && b < a) ? b : a;
}

// One wait at the endpoint, right behind a commit, or as good as that. Puts the request being served aside, unless it is answered
// here. ERR_AGAIN: fibers are ready again.
static error_t receive(struct ipc_registers *registers) {
    struct fiber *finished = loop.finished;
    if (finished == NULL) // what arrives lies in the message page, so its fiber can't be made then
        (void)fiber_reserve();
    receive_slots_refill(); // after the last call that could use one up
    if (!needs_no_commit(finished)) {
        loop_commit();
        set_since(SINCE_OBSERVED);
    }
    if (loop.ready.first != NULL) {
        if (finished != NULL)
            loop_answer_now();
        return ERR_AGAIN;
    }
    uint64_t deadline = earlier(timer_first(), commit_deadline());
    uint64_t with_deadline = deadline != 0 ? TAG_DEADLINE : 0;
    if (deadline != 0)
        ipc_page->deadline = deadline;
    registers->target = loop.server->endpoint; // the others' contents mean nothing to a wait
    registers->second = 0;
    error_t error;
    if (finished != NULL) {
        loop_load_reply(finished, registers);
        registers->tag |= with_deadline;
        loop_point(POINT_REPLY);
        error = system_call(SYS_REPLY_WAIT, registers);
        loop_answer_sent();
    } else {
        if (loop.served != NULL) {
            registers->second = loop.served->reply_slot;
            loop_aside();
        }
        registers->tag = with_deadline;
        error = system_call(SYS_WAIT, registers);
    }
    loop_point(POINT_RECEIVE);
    return error;
}

// At `deadline`, as the kernel says, or at another moment (0).
static void run_timers(uint64_t deadline) {
    uint64_t first = timer_first(), latest = loop.commit_by, now = 0;
    if (first != 0 || latest != 0)
        now = clock_monotonic();
    if (now < deadline)
        now = deadline;
    set_time(now);
    if (now == 0)
        return;
    if (latest != 0 && latest <= now)
        happened(SINCE_MORE);
    if (first == 0 || now < first)
        return;
    happened(SINCE_MORE);
    timer_run(now);
}

static error_t serve_until_stopped(struct server *server) {
    loop.sweep_at = SWEEP_LEAST;
    while (!server->stopping) {
        fiber_sweep();
        while (loop.ready.first != NULL && !loop.handed_over) {
            happened(SINCE_MORE);
            if (loop.finished != NULL && loop.finished != loop.ready.first)
                loop_answer_now(); // which commits: before the fiber is in no queue
            fiber_resume(fiber_ready_pop());
        }
        if (server->stopping)
            break;
        if (__builtin_expect(loop.asked, 0))
            handover_step();
        struct ipc_registers registers;
        error_t error = receive(&registers);
        if (error == WAIT_NOTIFICATION) {
            happened(SINCE_MORE);
            deliver_bits(registers.words[0]);
        } else if (error == ERR_OK) {
            uint64_t tag = registers.tag;
            loop_deliver(&registers);
            happened(consequence(tag));
        } else if (error != ERR_DEADLINE && error != ERR_AGAIN) {
            return error;
        }
        run_timers(error == ERR_DEADLINE ? ipc_page->deadline : 0);
    }
    if (loop.finished != NULL)
        loop_answer_now();
    return ERR_OK;
}

error_t loop_run(void) {
    ipc_exchange = fiber_exchange;
    if (kept_active()) {
        slot_release_later = loop_slot_release;
        slot_give_back_later = loop_slot_give_back;
        slot_spare = &loop.spare_slot;
    }
    error_t error = serve_until_stopped(loop.server);
    ipc_exchange = NULL;
    slot_release_later = slot_give_back_later = NULL;
    slot_spare = NULL;
    return error;
}

error_t server_run(struct server *server) {
    loop.server = server;
    loop.cookie_base = __builtin_ia32_rdtsc() << 10; // FIBER_MAX indexes fit below
    if (server->notification != 0) {
        error_t error = endpoint_bind(server->endpoint, server->notification);
        if (error != ERR_OK)
            return error;
    }
    error_t error = fiber_fill_pool();
    if (error != ERR_OK)
        return error;
    if (kept_active()) { // used in turn, so all of it is taken sooner or later
        kept_hot(&loop.ready);
        pages_touch(loop.outputs, sizeof(loop.outputs));
        pages_touch(loop.results, sizeof(loop.results));
    } else {
        stack_set(NULL, UINT64_MAX); // no place needs a note
    }
    loop.running_once = true;
    if (server->takes_over && (error = handover_begin()) != ERR_OK)
        return error;
    return loop_run();
}

void server_stop(struct server *server) {
    server->stopping = true;
}

bool server_serves(uint64_t badge) {
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        const struct fiber *fiber = loop.fibers[i];
        bool has_begun = fiber->state >= FIBER_READY && fiber->state < FIBER_FINISHED && !fiber->is_held;
        if (has_begun && fiber->serves && fiber->request.badge == badge && fiber != loop.running)
            return true;
    }
    return false;
}

void server_on_bit(struct server *server, uint32_t bit, void (*handler)(void *argument, uint32_t bit), void *argument) {
    server->bits[bit % SERVER_BITS].handler = handler;
    server->bits[bit % SERVER_BITS].argument = argument;
}

error_t server_create_session(struct server *server, uint64_t badge, cap_t *session) {
    return endpoint_create_session(server->endpoint, badge, session);
}
