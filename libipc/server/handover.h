// Handing a role over to another build of its program. Kept memory belongs to one build, so what the server
// knows goes through records that both understand (libipc/state/state.h): class, version, key, bytes,
// checksum.
//
// Giving: the loop takes no more requests up, ends waits of requests that had no effect yet (their callers'
// stubs send them again, under the same number, to the next actor), lets all others finish, then runs `give`
// on a fiber and ends with the records in a memory object. Taking: the next actor runs `take` before its
// first request. The capability table stays: a record names slots, and what `take` does not claim is deleted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/state/state.h"

struct handover {
    struct state state;
    bool is_full; // the memory is too small: `give` runs once more, with more
};

struct handover_view {
    struct state_view view;
};

struct server;

// What a server does for it. `prepare`, while all are served, makes `give` short (NULL: nothing to do).
// `give` leaves everything as it is (it may be called twice, and the server may go on after all); `take`
// starts from nothing. Both run on fibers and may wait, while no request is served. Errors: the handover
// fails; the program that gave goes on.
void server_hands_over(struct server *server, void (*prepare)(void), error_t (*give)(struct handover *handover),
                       error_t (*take)(struct handover *handover));

// True: there are records of an actor before, and `take` will get them; then what a server does at its first
// start is not done. Before server_run.
struct startup;
MUST_USE bool server_takes_over(struct server *server, const struct startup *startup);

// Adds a record. `class` is not 0. Errors: return them.
MUST_USE error_t handover_put(struct handover *handover, uint32_t class, uint32_t version, uint64_t key, const void *data,
                              uint64_t length);

// The next record of a class; start with a zeroed view. ERR_NOT_FOUND: none is left.
MUST_USE error_t handover_next(const struct handover *handover, uint32_t class, struct handover_view *view);

// Copies the record's bytes if it has this version and is at least as long. ERR_NOT_SUPPORTED: of another
// version.
MUST_USE error_t handover_read(const struct handover_view *view, uint32_t version, void *to, uint64_t length);

// The same of the first record of a class. ERR_NOT_FOUND: there is none.
MUST_USE error_t handover_read_first(const struct handover *handover, uint32_t class, uint32_t version, void *to,
                                     uint64_t length);

// The capability in `slot`, which the actor before held, is this one's from now on. 0 is ignored.
void handover_claim(cap_t slot);
