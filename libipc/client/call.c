// The general call: through the message page, with capabilities, lent buffers, a deadline, and repetition.
// The message page is filled anew for each attempt, since another fiber may have used it in between.
#include "libipc/client/call.h"

#include <stdbool.h>

#include "libipc/client/bounce.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"

struct message_page *ipc_page;
uint64_t ipc_deadline;
ipc_exchange_function *ipc_exchange;
ipc_complain_function *ipc_complain;

// What is KEPT_UNNOTED here stores to its caller's stack and to the message page.

// A server asks the kernel's objects directly, without the detour over its loop: they answer at once. Should
// a client have handed it a session in their place, this deadline, long past, ends the call.
enum { DEADLINE_PAST = 1 };

void ipc_give_cap(cap_t *wanted, cap_t received) {
    if (wanted != NULL)
        *wanted = received;
    else
        slot_release(received);
}

static error_t receive_slots_fill(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (ipc_page->receive_slots[i] == 0) {
            error_t error = slot_take(&ipc_page->receive_slots[i]);
            if (error != ERR_OK)
                return error;
        }
    }
    return ERR_OK;
}

// The receive slots of a server's loop are for what comes with requests, and an actor after this one takes what
// it finds in them for that. So what a kernel object answers goes to slots of its own meanwhile.
static void slots_lay_aside(cap_t slots[MESSAGE_CAPS]) {
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        slots[i] = ipc_page->receive_slots[i];
        ipc_page->receive_slots[i] = 0;
    }
}

static void slots_bring_back(const cap_t slots[MESSAGE_CAPS]) {
    for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
        slot_give_back(ipc_page->receive_slots[i]); // nothing came into it
        ipc_page->receive_slots[i] = slots[i];
    }
}

// Takes the capabilities that came with a reply out of the receive slots: `wanted` of them go to `caps`,
// whatever else a server sent is dropped. Returns false if one that is wanted is missing.
static bool received_caps_take(uint64_t tag, unsigned wanted, cap_t *caps) {
    bool complete = tag_caps(tag) >= wanted;
    cap_t received[MESSAGE_CAPS]; // releasing one is a call, which overwrites the page
    __builtin_memcpy(received, ipc_page->received_caps, sizeof(received));
    for (unsigned i = 0; i < tag_caps(tag) && i < MESSAGE_CAPS; i++) {
        cap_t cap = received[i];
        if (cap != 0) {
            for (unsigned slot = 0; slot < MESSAGE_CAPS; slot++)
                if (ipc_page->receive_slots[slot] == cap)
                    ipc_page->receive_slots[slot] = 0;
        }
        if (i < wanted) {
            caps[i] = cap;
            complete = complete && cap != 0;
        } else {
            slot_release(cap);
        }
    }
    return complete;
}

static void caps_drop(uint64_t tag) {
    if (tag_caps(tag) == 0)
        return;
    cap_t none[MESSAGE_CAPS];
    bool ignored = received_caps_take(tag, 0, none);
    (void)ignored;
}

// A small buffer is not lent: its length, and what is to be read of it, follow the arguments in the registers
// (`inline`, libipc/protocols/README.md).
KEPT_UNNOTED static void inline_load(struct ipc_registers *registers, unsigned words, const void *bytes, uint64_t size, bool in) {
    registers->words[words++] = size;
    if (in && size != 0) {
        unsigned last = words + (unsigned)(size - 1) / 8;
        registers->words[last] = 0;
        __builtin_memcpy(&registers->words[words], bytes, size);
        words = last + 1;
    }
    registers->tag &= ~(uint64_t)(TAG_WORDS_MASK << TAG_WORDS_SHIFT);
    registers->tag |= (uint64_t)words << TAG_WORDS_SHIFT;
}

KEPT_UNNOTED static void buffers_load(struct ipc_registers *registers, const struct ipc_shape *shape,
                                      const struct ipc_extras *extras) {
    if (shape->reads_max != 0) {
        if (shape->carries_in != 0 && extras->read_size <= shape->carries_in) {
            inline_load(registers, shape->words_in, extras->read_address, extras->read_size, true);
        } else {
            ipc_page->lend_read = (struct lend){(uintptr_t)extras->read_address, extras->read_size};
            registers->tag |= TAG_LEND_READ;
        }
    }
    if (shape->writes_max != 0) {
        if (shape->carries_out != 0 && extras->write_size <= shape->carries_out) {
            inline_load(registers, shape->words_in, NULL, extras->write_size, false);
        } else {
            ipc_page->lend_write = (struct lend){(uintptr_t)extras->write_address, extras->write_size};
            registers->tag |= TAG_LEND_WRITE;
        }
    }
}

// Fills registers and page with the request.
KEPT_UNNOTED static void request_load(struct ipc_registers *registers, cap_t target, const struct ipc_shape *shape,
                                      const uint64_t *words, const struct ipc_extras *extras) {
    registers->target = target;
    registers->second = 0;
    registers->tag = TAG(shape->method, shape->words_in);
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers->words[i] = words[i];
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < shape->words_in; i++)
        ipc_page->words[i] = words[i];
    if (extras == NULL)
        return;
    uint64_t caps = 0;
    while (caps < shape->caps_in && (caps < shape->caps_required || extras->caps[caps] != 0)) {
        ipc_page->send_caps[caps] = extras->caps[caps] | ((shape->moves >> caps & 1) != 0 ? SEND_CAP_MOVE : 0);
        ipc_page->send_rights[caps] = 0;
        caps++;
    }
    registers->tag |= caps << TAG_CAPS_SHIFT;
    buffers_load(registers, shape, extras);
}

// One request until it is answered, however many servers it takes. `repeat`: the first attempt is lost
// already.
KEPT_UNNOTED static error_t request_send(cap_t target, const struct ipc_shape *shape, const uint64_t *words,
                                         const struct ipc_extras *extras, bool repeat, struct ipc_registers *registers) {
    error_t error;
    do {
        bool by_loop = ipc_exchange != NULL && shape->kernel == 0;
        if (shape->caps_out != 0 && !by_loop) {
            error = receive_slots_fill(shape->caps_out);
            if (error != ERR_OK)
                return error;
        }
        request_load(registers, target, shape, words, extras);
        if (repeat)
            registers->tag |= TAG_REPEAT;
        if (by_loop) {
            error = ipc_exchange(registers, shape->caps_out);
        } else {
            uint64_t deadline = ipc_exchange != NULL ? DEADLINE_PAST : ipc_deadline;
            if (deadline != 0) {
                registers->tag |= TAG_DEADLINE;
                ipc_page->deadline = deadline;
            }
            error = system_call(SYS_CALL, registers);
        }
        repeat = true;
    } while (error == ERR_SERVER_LOST);
    return error;
}

// More words than results: what the server wrote into a small buffer. False: the reply has another shape.
KEPT_UNNOTED static bool inline_take(const struct ipc_shape *shape, const struct ipc_registers *registers,
                                     const struct ipc_extras *extras) {
    if (shape->carries_out == 0 || extras->write_size > shape->carries_out)
        return false;
    uint64_t size = registers->words[shape->words_out];
    if (size > extras->write_size || tag_words(registers->tag) != shape->words_out + 1 + (size + 7) / 8)
        return false;
    if (size != 0)
        __builtin_memcpy(extras->write_address, &registers->words[shape->words_out + 1], size);
    return true;
}

// The reply as the stub wants it: the server's status, or the words and capabilities that the shape promises.
KEPT_UNNOTED static error_t reply_take(const struct ipc_shape *shape, const struct ipc_registers *registers, uint64_t *words,
                                       struct ipc_extras *extras) {
    int32_t status = tag_status(registers->tag);
    if (status != ERR_OK) {
        caps_drop(registers->tag);
        return status < 0 ? status : ERR_PROTOCOL;
    }
    if ((tag_words(registers->tag) != shape->words_out && !inline_take(shape, registers, extras)) ||
        tag_caps(registers->tag) < shape->caps_out) {
        caps_drop(registers->tag);
        return ERR_PROTOCOL;
    }
    for (unsigned i = 0; i < shape->words_out; i++)
        words[i] = i < MESSAGE_REGISTER_WORDS ? registers->words[i] : ipc_page->words[i];
    if (tag_caps(registers->tag) == 0)
        return ERR_OK;
    cap_t caps[MESSAGE_CAPS] = {0};
    if (!received_caps_take(registers->tag, shape->caps_out, caps)) {
        for (unsigned i = 0; i < shape->caps_out; i++)
            slot_release(caps[i]);
        return ERR_PROTOCOL;
    }
    for (unsigned i = 0; i < shape->caps_out; i++)
        extras->caps[i] = caps[i];
    return ERR_OK;
}

// The answer was nonsense. Whoever keeps the server is told and replaces it. ERR_AGAIN: ask the next one. What may not be done
// twice, or has given its capabilities away, ends here; nobody knows what came of it.
static error_t nonsense(cap_t target, const struct ipc_shape *shape) {
    if (shape->kernel != 0 || ipc_complain == NULL || !ipc_complain(target))
        return ERR_PROTOCOL;
    return shape->idempotent != 0 && shape->moves == 0 ? ERR_AGAIN : ERR_OUTCOME_UNKNOWN;
}

// As reply_take; the server's own ERR_PROTOCOL is an answer like others. *again: it is to be asked again, if it was not yet.
static error_t reply_judge(cap_t target, const struct ipc_shape *shape, const struct ipc_registers *registers, uint64_t *words,
                           struct ipc_extras *extras, bool *again) {
    error_t error = reply_take(shape, registers, words, extras);
    if (error != ERR_PROTOCOL || tag_status(registers->tag) == ERR_PROTOCOL)
        return error;
    error = nonsense(target, shape);
    *again = error == ERR_AGAIN;
    return error == ERR_AGAIN ? ERR_PROTOCOL : error;
}

error_t ipc_call(cap_t target, const struct ipc_shape *shape, uint64_t *words, struct ipc_extras *extras) {
    struct ipc_registers registers;
    struct bounce bounce = {0};
    bool own_slots = shape->caps_out != 0 && shape->kernel != 0 && ipc_exchange != NULL, asked_again = false;
    cap_t loops[MESSAGE_CAPS];
    for (;;) {
        bool again = false;
        if (own_slots)
            slots_lay_aside(loops);
        error_t error = request_send(target, shape, words, extras, false, &registers);
        if (error == ERR_OK)
            error = reply_judge(target, shape, &registers, words, extras, &again);
        if (own_slots)
            slots_bring_back(loops);
        if (again && !asked_again) {
            asked_again = true;
            continue;
        }
        if (error == ERR_PAGE_MISSING && extras != NULL && bounce_prepare(&bounce, extras))
            continue;
        bounce_finish(&bounce, extras);
        return error;
    }
}

error_t ipc_call_unusual(cap_t target, const struct ipc_shape *shape, uint64_t *words, error_t error,
                         const struct ipc_registers *registers) {
    if (registers == NULL)
        return ipc_call(target, shape, words, NULL);
    struct ipc_registers answer = *registers;
    bool again = false;
    if (error == ERR_SERVER_LOST)
        error = request_send(target, shape, words, NULL, true, &answer);
    if (error == ERR_OK)
        error = reply_judge(target, shape, &answer, words, NULL, &again);
    return again ? ipc_call(target, shape, words, NULL) : error;
}
