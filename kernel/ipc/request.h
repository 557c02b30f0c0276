// A request on its way: queued at an endpoint, being served by a thread, put aside in a capability slot, or idle. It is
// embedded in what pays for it (a thread, a call object, a process's exit event), so sending never allocates.
// Invariant: a request that is not idle holds its session and is in exactly one of: its endpoint's queue (QUEUED,
// ANSWERED), the hands of a thread (SERVED: thread->serving points back), a slot and its process's `aside` list (ASIDE:
// slot->object).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "kernel/structure/list.h"

struct call;
struct capability;
struct process;
struct session;
struct thread;

enum request_origin { REQUEST_THREAD, REQUEST_CALL, REQUEST_FAULT, REQUEST_PAGE, REQUEST_EXIT };
enum request_state { REQUEST_IDLE, REQUEST_QUEUED, REQUEST_SERVED, REQUEST_ASIDE, REQUEST_ANSWERED };

struct request {
    struct list link;
    struct list cancel_link; // endpoint->cancelled while the server is yet to be told
    uint8_t origin, state, priority;
    bool cancelling; // its caller wants to give it up
    struct session *session;
    struct process *process; // whose memory and capabilities it may touch
    uint64_t serial, count;  // the request number
    uint64_t tag;
    uint64_t since; // monotonic time at which it was sent
    struct lend lend_read, lend_write;
    uint64_t space_serial; // the space in which they lie: not the one of a later actor
    uint64_t *words;       // the register words
    uint64_t *page_words;  // an array in which words 6 and up lie
    const cap_t *send_caps;
    const uint16_t *send_rights;
    struct thread *server;   // SERVED: by whom. IDLE: to whom its answer or event was shown last (thread->shown)
    struct capability *slot; // ASIDE: where
};

void request_initialize(struct request *request, enum request_origin origin);

// Takes over what the page says is lent: cut to what may be, since a user can change it after it was checked.
void request_lend(struct request *request, const struct message_page *page);
// Hands an idle, filled-in request to its session's endpoint: to a waiting thread or into the queue. ERR_DYING.
error_t request_send(struct request *request, struct session *session) MUST_USE;
// Gives a queued request to a thread that is about to run: registers, page, capabilities.
void request_take(struct request *request, struct thread *server);

// Answers with the message in the server's registers and page.
void request_reply(struct request *request, struct thread *server);
// Hands on to another session with the register words in the server's registers. ERR_DYING: nothing happened.
error_t request_forward(struct request *request, struct session *session, struct thread *server) MUST_USE;
// Ends it with an error instead of an answer.
void request_finish(struct request *request, error_t error);
// Its server dropped it or died.
void request_abandon(struct request *request);
// Its caller is gone or gives up: it leaves wherever it is, no one is told.
void request_withdraw(struct request *request);
// An answer or an event that is taken needs no reply: until the thread waits again it may be lost with it. If the thread ends
// before, `request_show_again` queues it once more.
void request_noted(struct thread *thread);
void request_show_again(struct thread *thread);
// Deadline or cancel: leaves the queue, or asks the server to give it up. True if it is over already.
bool request_cancel(struct request *request);

void request_put_aside(struct request *request, struct capability *slot);
void request_serve(struct request *request, struct thread *server); // from its slot, which becomes empty

// Moving a message from sender to receiver (transfer.c): words between registers, pages and call objects, capabilities between
// tables. Nothing of it fails: a capability that can't be moved (slot taken, sender's slot empty) does not arrive, and the
// receiver is told so by a 0 in received_caps. A capability that was to be moved leaves the sender in any case.
void transfer_request(struct request *request, struct thread *server);
void transfer_reply(struct request *request, struct thread *server, struct thread *caller);
void transfer_answer(struct call *call, struct thread *server);
// An answer to nobody (its caller is gone): what it would have moved is gone too.
void transfer_drop(struct thread *server);
void transfer_page_words(uint64_t *to, const uint64_t *from, uint64_t tag); // those behind the register words
