// Asking name servers: by UDP, and by TCP if the answer is cut (RFC 7766). Runs on a fiber, which waits. For look_up.c.
#pragma once

#include "kernel/abi/errors.h"
#include "servers/resolver/cache.h"

// Where messages are put together; one for each question under way.
struct ask_room {
    uint8_t question[512], message[DNS_MESSAGE_BYTES];
};

// Asks the servers of the question in turn, `attempts` times, each for `patience`; one that did not answer lately is asked last.
// ERR_OK: one has answered, with the RCODE 0 or 3, or else the last of all with another. ERR_DEADLINE: none answers; ERR_INVALID:
// that is no name; ERR_CANCELLED.
MUST_USE error_t ask(const struct question *question, struct ask_room *room, struct dns_answer *answer);
