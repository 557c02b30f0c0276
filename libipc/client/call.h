// The waiting call under every client stub. A stub hands over the method's shape, its words, and, if the
// method has them, capabilities and lent buffers; it gets back the reply's words and capabilities, or one
// error: the server's status, or what went wrong on the way. Requests whose server was lost are sent again
// here, under their number.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/client/system_call.h"

// What a method takes and gives; made by the generator. Counts are exact, except that capabilities behind the
// first `caps_required` may be missing.
struct ipc_shape {
    uint16_t method;
    uint8_t words_in, words_out;
    uint8_t caps_in, caps_required, caps_out;
    uint8_t moves; // bit i: the i-th capability sent is moved
    uint8_t kernel;
    uint8_t idempotent;
    uint8_t carries_in, carries_out; // bytes of a buffer that travel in registers in place of being lent
    uint32_t reads_max, writes_max;  // bytes of the lent buffers, 0: the method has none
};

struct ipc_extras {
    cap_t caps[MESSAGE_CAPS]; // in: to send, 0 for a missing one; out: received
    const void *read_address; // lent for the server to read
    uint64_t read_size;       // bytes
    void *write_address;      // lent for the server to write
    uint64_t write_size;      // bytes
};

// The message page of this thread; set before the first call that needs it (libipc/start).
extern struct message_page *ipc_page;

// Calls made from now on give up at this time of the monotonic clock, in nanoseconds, with ERR_DEADLINE; 0:
// never. Each fiber of a server has its own.
extern uint64_t ipc_deadline;

// How a server's loop makes a call without blocking the thread; NULL in a plain program. Takes the request in
// `registers` and in the message page, gives the answer there; at most `caps_out` capabilities are received.
typedef error_t ipc_exchange_function(struct ipc_registers *registers, unsigned caps_out);
extern ipc_exchange_function *ipc_exchange;

// Told of a session whose server's answer had not the shape of its method; true: the server is replaced. NULL: there is nobody to
// tell.
typedef bool ipc_complain_function(cap_t session);
extern ipc_complain_function *ipc_complain;

// `words` holds shape->words_in words, and room for words_out and for 6; it changes only on success.
MUST_USE error_t ipc_call(cap_t target, const struct ipc_shape *shape, uint64_t *words, struct ipc_extras *extras);

// Hands a received capability to the caller of a stub, or drops it if it does not want it.
void ipc_give_cap(cap_t *wanted, cap_t received);

// Any method without extras when something is out of the ordinary: a server's loop or a deadline (error
// ERR_OK, `registers` NULL), or an answer that is not the plain one.
MUST_USE error_t ipc_call_unusual(cap_t target, const struct ipc_shape *shape, uint64_t *words, error_t error,
                                  const struct ipc_registers *registers);

// As ipc_call, for methods whose request and reply travel in registers alone. Inlined, so that arguments go
// from the stub's registers to the call's without a store; what is unusual works on copies, out of line.
MUST_USE __attribute__((always_inline)) static inline error_t ipc_call_short(cap_t target, const struct ipc_shape *shape,
                                                                             uint64_t *words) {
    struct ipc_registers registers = {.target = target, .tag = TAG(shape->method, shape->words_in)};
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers.words[i] = words[i];
    error_t error = ERR_OK;
#ifdef IPC_PLAIN // a program, which has neither
    bool plain = true;
#else
    bool plain = ((uintptr_t)ipc_exchange | ipc_deadline) == 0; // one branch for both
#endif
    if (__builtin_expect(plain, 1))
        error = system_call(SYS_CALL, &registers);
    uint64_t expected = (uint64_t)shape->words_out << TAG_WORDS_SHIFT;
    if (__builtin_expect(!plain || error != ERR_OK || (uint32_t)registers.tag != expected, 0)) {
        uint64_t copy[MESSAGE_REGISTER_WORDS];
        for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            copy[i] = words[i];
        struct ipc_registers answer = registers;
        error = ipc_call_unusual(target, shape, copy, error, plain ? &answer : NULL);
        for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            words[i] = copy[i];
        return error;
    }
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = registers.words[i];
    return ERR_OK;
}
