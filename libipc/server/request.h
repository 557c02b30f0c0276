// A request as its handler sees it, and what a handler can do with it besides returning a status: move bytes
// from and to the buffers that the caller lent, keep capabilities, answer later, hand it on. Handlers run on
// fibers of the server's loop (server.h); all of this is for that one thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/client/call.h"

enum { INLINE_WORDS = MESSAGE_REGISTER_WORDS - 1 };

// A buffer of the caller that is not lent, but travels in the message's registers (`inline` in the .idl
// file). request_copy_in and its kin know of it; a handler need not.
struct inline_buffer {
    bool in, out; // it is the one to read, or the one to write
    uint8_t size; // of `out`: bytes written
    uint64_t data[INLINE_WORDS];
};

// What goes back with status 0. A capability may carry SEND_CAP_MOVE.
struct reply {
    uint64_t *words;
    cap_t caps[MESSAGE_CAPS];
    uint8_t word_count, cap_count;
};

enum request_state {
    REQUEST_OPEN,      // to be answered when its handler returns
    REQUEST_DEFERRED,  // a struct deferred holds it now
    REQUEST_FORWARDED, // another server answers it
    REQUEST_GONE,      // its caller is no longer there
};

struct request {
    uint64_t badge;                       // that the server gave the session
    uint64_t tag;                         // as received
    uint64_t number_thread, number_count; // its number; the same again if a server was lost with it
    uint64_t lent_read_length;            // bytes that may be copied in
    uint64_t lent_write_length;           // bytes that may be copied out
    uint64_t *words;                      // MESSAGE_WORDS of room
    struct inline_buffer carried;         // in place of a lent buffer
    cap_t caps[MESSAGE_CAPS];             // received; released after the handler, unless kept
    struct reply reply;
    enum request_state state;
    bool cancelled; // its caller wants to give it up: answer soon, with ERR_CANCELLED if nothing was done
    bool observes;  // its handler says: it changed nothing that counts, so its answer need not wait for a commit
};

// A request to be answered after its handler has returned. The server provides the storage, inside whatever
// waits.
struct deferred {
    cap_t reply; // slot of the reply capability; 0: answered
    uint64_t badge;
    uint64_t number_thread, number_count;
    uint64_t lent_read_length, lent_write_length;
    struct inline_buffer carried;
    void (*cancelled)(struct deferred *deferred); // its caller gives it up, see request.cancelled; NULL: ignored
    struct deferred *next, *previous;
    bool detached, failed; // its request was lost with an actor and has not come again; a copy found it so
};

static inline bool request_is_open(const struct request *request) {
    return request->state == REQUEST_OPEN;
}

// The number of the protocol that it speaks (PROTOCOL_FILE, ...), to choose a dispatcher.
static inline uint32_t request_protocol(const struct request *request) {
    return tag_method(request->tag) >> 8;
}

// Copies `length` bytes from the buffer that the caller lent to read, from its byte `offset` on. ERR_INVALID:
// it is shorter; ERR_PAGE_MISSING: return it, and the caller's stub brings the page in and repeats;
// ERR_NO_REQUEST: it is gone; from deferred_copy_..., ERR_BAD_CAPABILITY.
MUST_USE error_t request_copy_in(struct request *request, uint64_t offset, void *to, uint64_t length);
// Copies to the buffer that the caller lent to write. Do this before changing anything that the answer
// reports.
MUST_USE error_t request_copy_out(struct request *request, uint64_t offset, const void *from, uint64_t length);
// The same with a memory object, which need not be mapped, on this side. Offsets in bytes, any alignment.
MUST_USE error_t request_copy_in_memory(struct request *request, uint64_t offset, cap_t memory, uint64_t memory_offset,
                                        uint64_t length);
MUST_USE error_t request_copy_out_memory(struct request *request, uint64_t offset, cap_t memory, uint64_t memory_offset,
                                         uint64_t length);
MUST_USE error_t deferred_copy_in(struct deferred *deferred, uint64_t offset, void *to, uint64_t length);
// The same to memory that need not be noted (kept_commits in libipc/kept/undo.h).
MUST_USE error_t request_copy_in_unnoted(struct request *request, uint64_t offset, void *to, uint64_t length);
MUST_USE error_t deferred_copy_in_unnoted(struct deferred *deferred, uint64_t offset, void *to, uint64_t length);
MUST_USE error_t deferred_copy_out(struct deferred *deferred, uint64_t offset, const void *from, uint64_t length);

// Takes a received capability over from the request: it is the server's to release.
cap_t request_keep(struct request *request, cap_t cap);

// Puts the request into `deferred`; the handler then returns ERR_OK, and NAME_METHOD_answer answers it some
// time later, from any fiber or notification handler.
MUST_USE error_t request_defer(struct request *request, struct deferred *deferred);

// Answers with `status`, or if that is ERR_OK with `reply`. ERR_BAD_CAPABILITY: the caller is gone; nothing
// to be done. Generated functions with typed results call this.
error_t request_answer(struct deferred *deferred, error_t status, const struct reply *reply);

// Hands the request on to a server further down: its caller, number and lent buffers go along. Register words
// only and no capabilities. On ERR_OK the handler returns ERR_OK; otherwise the request is still open.
// Generated functions call this.
MUST_USE error_t request_forward(struct request *request, cap_t session, const struct ipc_shape *shape, const uint64_t *words);
MUST_USE error_t deferred_forward(struct deferred *deferred, cap_t session, const struct ipc_shape *shape, const uint64_t *words);
