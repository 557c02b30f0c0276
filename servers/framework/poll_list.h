// Who wants to be told when something becomes ready (file.poll). A registration is told once and is then
// gone.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/server/handover.h"

enum { POLL_LIST_MAX = 64 }; // registrations at one file; where there would be more, the oldest is told

struct poll_registration;

// Zero is an empty list.
struct poll_list {
    struct poll_registration *first;
    uint32_t count;
};

// Keeps `notification` (it is the list's from now on, also on error). ERR_NO_MEMORY.
MUST_USE error_t poll_list_add(struct poll_list *list, cap_t notification, uint64_t bits, uint64_t interest, uint64_t *ticket);
void poll_list_remove(struct poll_list *list, uint64_t ticket);
// `ready` holds now (enum readiness): tells all whose interest it meets. HANG_UP and ERROR meet any.
void poll_list_notify(struct poll_list *list, uint64_t ready);
// The same, but who is told stays in the list, and is not told again before poll_list_wait or poll_list_again.
void poll_list_tell(struct poll_list *list, uint64_t ready);
// Those who want nothing of what is ready wait again.
void poll_list_wait(struct poll_list *list, uint64_t ready);
// It wants `interest` from now on, and waits for that again unless it is ready. False: there is no such registration.
bool poll_list_again(struct poll_list *list, uint64_t ticket, uint64_t interest, uint64_t ready);
void poll_list_clear(struct poll_list *list);

// For another build of the server: the list as records under its session's badge; and all lists from the records.
enum { HANDOVER_CLASS_POLL = 0x706f6c6c };
MUST_USE error_t poll_list_give(const struct poll_list *list, struct handover *handover, uint64_t badge);
MUST_USE error_t poll_lists_take(struct handover *handover, struct poll_list *(*list_of)(uint64_t badge));
