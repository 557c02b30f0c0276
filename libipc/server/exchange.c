// A fiber's call to another server: sent through the fiber's call object, answered by a message at the
// server's own endpoint. A call that runs out of time is first cancelled, so that its server can decide; if
// that server stays silent, the call object is given up and the outcome is unknown.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/call.h"
#include "libipc/server/loop.h"

enum { GRACE_NANOSECONDS = 100 * 1000 * 1000 };

static struct fiber *fiber_of_timer(struct timer *timer) {
    return (struct fiber *)((uintptr_t)timer - offsetof(struct fiber, timer));
}

error_t fiber_create_call(struct fiber *fiber) {
    if (fiber->call != 0)
        return ERR_OK;
    cap_t account = loop.server->account != 0 ? loop.server->account : SLOT_ACCOUNT;
    return account_create_call(account, fiber->cookie, loop.server->endpoint, &fiber->call);
}

// The cancelled call got no answer either: its object goes, and with it the claim to an answer.
static void grace_expired(struct timer *timer) {
    struct fiber *fiber = fiber_of_timer(timer);
    slot_release(fiber->call);
    fiber->call = 0;
    if (fiber_create_call(fiber) != ERR_OK)
        fiber->call = 0; // its next call fails
    fiber->answer = (struct ipc_registers){.second = (uint64_t)(int64_t)ERR_OUTCOME_UNKNOWN};
    fiber_make_ready(fiber);
}

static void call_give_up(struct fiber *fiber) {
    error_t ignored = call_cancel(fiber->call); // ERR_NO_REQUEST: the answer is on its way
    (void)ignored;
    uint64_t now = clock_monotonic();
    if (now < fiber->timer.at)
        now = fiber->timer.at;
    timer_set(&fiber->timer, now + GRACE_NANOSECONDS, grace_expired);
}

static void call_expired(struct timer *timer) {
    struct fiber *fiber = fiber_of_timer(timer);
    fiber->timed_out = true;
    call_give_up(fiber);
}

// Slots for the answer's capabilities, 0 where none comes. What was taken before an error is in `slots` as
// well.
static error_t take_slots(cap_t slots[MESSAGE_CAPS], unsigned caps_out) {
    error_t error = ERR_OK;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        slots[i] = 0;
        if (i < caps_out && error == ERR_OK)
            error = slot_take(&slots[i]);
    }
    return error;
}

// The kernel notes at the sending where the answer's capabilities go, so they need slots of their own; the
// loop's receive slots stay for requests.
KEPT_UNNOTED static error_t send_with_slots(const struct fiber *fiber, struct ipc_registers *registers,
                                            const cap_t slots[MESSAGE_CAPS]) {
    MESSAGE_NOTE((uint32_t)(fiber->cookie - loop.cookie_base), (uint16_t)tag_method(registers->tag), MESSAGE_CALLED,
                 registers->target);
    cap_t loops[MESSAGE_CAPS];
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        loops[i] = ipc_page->receive_slots[i];
        ipc_page->receive_slots[i] = slots[i];
    }
    error_t error = system_call(SYS_SEND, registers);
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        ipc_page->receive_slots[i] = loops[i];
    return error;
}

// Slots that no capability came into are free again.
static void slots_return(const struct ipc_registers *registers, bool answered, const cap_t slots[MESSAGE_CAPS]) {
    uint32_t received = answered ? tag_caps(registers->tag) : 0;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        if (slots[i] != 0 && (i >= received || ipc_page->received_caps[i] != slots[i]))
            slot_give_back(slots[i]);
}

// The same with the next commit. The fiber runs, so its memory is noted (fiber_note).
KEPT_UNNOTED static void send_later(struct fiber *fiber, const struct ipc_registers *registers, const cap_t slots[MESSAGE_CAPS]) {
    struct outgoing *outgoing = &fiber->outgoing;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        outgoing->receive_slots[i] = slots[i];
    outgoing->registers = *registers;
    for (unsigned i = 0; i < tag_caps(registers->tag) && i < MESSAGE_CAPS; i++) {
        outgoing->send_caps[i] = ipc_page->send_caps[i];
        outgoing->send_rights[i] = ipc_page->send_rights[i];
    }
    outgoing->lend_read = ipc_page->lend_read;
    outgoing->lend_write = ipc_page->lend_write;
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < tag_words(registers->tag) && i < MESSAGE_WORDS; i++)
        outgoing->words[i] = ipc_page->words[i];
    if ((registers->tag & TAG_REPEAT) != 0)
        fiber->answered = 0; // its answer will have the number of the one that told of the loss
}

void fiber_send(struct fiber *fiber) {
    const struct outgoing *outgoing = &fiber->outgoing;
    struct ipc_registers registers = outgoing->registers;
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        ipc_page->send_caps[i] = outgoing->send_caps[i];
        ipc_page->send_rights[i] = outgoing->send_rights[i];
    }
    ipc_page->lend_read = outgoing->lend_read;
    ipc_page->lend_write = outgoing->lend_write;
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < tag_words(registers.tag) && i < MESSAGE_WORDS; i++)
        ipc_page->words[i] = outgoing->words[i];
    error_t error = send_with_slots(fiber, &registers, outgoing->receive_slots);
    // Busy: it was sent by the actor before, or that one's last answer is still to be shown again, and then
    // fiber_answer sends this one.
    if (error == ERR_OK || (error == ERR_BUSY && loop.recovering)) {
        fiber->state = FIBER_CALLING;
        return;
    }
    fiber->answer = (struct ipc_registers){.second = (uint64_t)(int64_t)error};
    fiber_make_ready(fiber);
}

error_t fiber_exchange(struct ipc_registers *registers, unsigned caps_out) {
    struct fiber *fiber = loop.running;
    if (fiber == NULL)
        return ERR_DEADLOCK; // the loop's own context must not wait
    if (fiber->serves && fiber->request.cancelled)
        return ERR_CANCELLED;
    if (fiber->call == 0)
        return ERR_NO_MEMORY;
    registers->second = fiber->call;
    cap_t slots[MESSAGE_CAPS];
    bool later = kept_active();
    error_t error = take_slots(slots, caps_out);
    if (error == ERR_OK && later)
        send_later(fiber, registers, slots);
    else if (error == ERR_OK)
        error = send_with_slots(fiber, registers, slots);
    if (error != ERR_OK) {
        slots_return(registers, false, slots);
        return error;
    }
    fiber->timed_out = false;
    if (ipc_deadline != 0)
        timer_set(&fiber->timer, ipc_deadline, call_expired);
    if (later)
        fiber_queue(&loop.sending, fiber);
    fiber_leave(later ? FIBER_SENDING : FIBER_CALLING);
    timer_clear(&fiber->timer);
    *registers = fiber->answer;
    error = (error_t)registers->second;
    slots_return(registers, error == ERR_OK, slots);
    if (fiber->timed_out && error == ERR_OK && tag_status(registers->tag) == ERR_CANCELLED)
        return ERR_DEADLINE;
    return error;
}

KEPT_UNNOTED static void note_answer(uint64_t index, const struct ipc_registers *registers) {
    error_t error = (error_t)registers->second;
    MESSAGE_NOTE((uint32_t)index, (uint16_t)(error != ERR_OK ? error : tag_status(registers->tag)), MESSAGE_GOT,
                 registers->third);
}

KEPT_UNNOTED static void answer_take(struct fiber *fiber, const struct ipc_registers *registers) {
    fiber_note(fiber);
    fiber->answered = registers->third;
    fiber->answer = *registers;
}

void fiber_answer(const struct ipc_registers *registers) {
    uint64_t index = registers->target - loop.cookie_base;
    note_answer(index, registers);
    struct fiber *fiber = index < loop.fiber_count ? loop.fibers[index] : NULL;
    if (fiber != NULL && registers->third != 0 && registers->third == fiber->answered) {
        // Shown again, since the actor before did not wait again: what came with it is in use. A call begun
        // since was not sent.
        if (fiber->state == FIBER_CALLING) {
            fiber_queue(&loop.sending, fiber);
            fiber->state = FIBER_SENDING;
        }
        return;
    }
    if (fiber == NULL || fiber->state != FIBER_CALLING) {
        loop_drop_caps(registers->tag); // for an actor before this one
        return;
    }
    answer_take(fiber, registers);
    fiber_resume(fiber); // now: what the answer brought still lies in the message page
}

void fiber_give_up(struct fiber *fiber) {
    fiber->request.cancelled = true;
    if (fiber->state == FIBER_WAITING && fiber->cancellable)
        fiber_wait_end(fiber, ERR_CANCELLED);
    else if (fiber->state == FIBER_CALLING && !fiber->timed_out)
        call_give_up(fiber);
}

void fiber_cancel_call(const struct fiber *fiber) {
    error_t ignored = fiber != NULL && fiber->state == FIBER_CALLING ? call_cancel(fiber->call) : ERR_OK;
    (void)ignored; // ERR_NO_REQUEST: the answer is on its way
}

// The kernel empties the slot of a reply whose caller has died; nothing else tells the server.
static bool is_gone(cap_t reply) {
    struct ipc_registers registers = {.tag = COPY_FROM_CALLER, .second = reply, .words = {0, (uintptr_t)&loop}};
    return system_call(SYS_COPY, &registers) == ERR_BAD_CAPABILITY; // no bytes: it only finds the request
}

void fiber_sweep(void) {
    if (loop.put_aside < loop.sweep_at)
        return;
    uint32_t left = 0;
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        struct fiber *fiber = loop.fibers[i];
        if (!fiber->serves || !fiber->aside || (fiber->state != FIBER_WAITING && fiber->state != FIBER_CALLING))
            continue;
        left++;
        if (!fiber->request.cancelled && is_gone(fiber->reply_slot))
            fiber_give_up(fiber);
    }
    for (struct deferred *deferred = loop.deferred, *next; deferred != NULL; deferred = next) {
        next = deferred->next;
        left++;
        bool gone = deferred->detached ? !loop.recovering : is_gone(deferred->reply);
        if (deferred->cancelled != NULL && gone)
            deferred->cancelled(deferred);
    }
    loop.put_aside = 0;
    loop.sweep_at = left < SWEEP_LEAST ? SWEEP_LEAST : left;
}

void fiber_cancel(uint64_t thread, uint64_t count) {
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        struct fiber *fiber = loop.fibers[i];
        if (!fiber->serves || fiber->state == FIBER_IDLE || fiber->request.number_thread != thread ||
            fiber->request.number_count != count)
            continue;
        fiber_give_up(fiber);
    }
    for (struct deferred *deferred = loop.deferred; deferred != NULL; deferred = deferred->next) {
        if (deferred->number_thread == thread && deferred->number_count == count) {
            if (deferred->cancelled != NULL)
                deferred->cancelled(deferred);
            return;
        }
    }
}
