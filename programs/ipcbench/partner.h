// The other side of a measurement, as an object: a process (or only a thread of this one) that runs one of
// the peers, with an endpoint, a session to it and a notification. Made anew for each case and given back
// whole after it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "programs/ipcbench/peer.h"

// Slots of a partner process.
enum { PARTNER_ENDPOINT = 10, PARTNER_NOTIFICATION = 11, PARTNER_TARGET = 12, PARTNER_SOURCE = 13, PARTNER_FREE = 16 };

enum { PARTNER_BUFFER_BYTES = 65536 };

struct partner {
    bool in_process; // a thread of this process
    cap_t code;      // the peers' section, made once and not owned
    cap_t process, thread, endpoint, session, notification, memory;
    volatile struct peer_shared *shared; // in this process
    uint64_t address;                    // of the shared page in the partner's space
    uint64_t message_page;
    uint64_t processors; // it may run on, a bit for each; 0: all
};

// Makes everything but the thread. `code` is what partner_code_make gave.
MUST_USE error_t partner_make(struct partner *partner, cap_t code, bool in_process);

// Copies a capability into the partner's table (PARTNER_TARGET, ...).
MUST_USE error_t partner_install(struct partner *partner, cap_t slot, cap_t capability);

// Starts `peer` in it; it runs as soon as nothing of a higher priority does.
MUST_USE error_t partner_start(struct partner *partner, peer_function *peer, uint64_t priority);

// Ends it. What was never made is left out, so this is right after any failure.
void partner_end(struct partner *partner);

// A memory object that holds the peers' section.
MUST_USE error_t partner_code_make(cap_t *code);
