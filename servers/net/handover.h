// What net knows as records for another build of its program (libipc/server/handover.h); the stack's are in stack/records.h.
#pragma once

#include "libipc/server/handover.h"
#include "servers/net/stack/records.h"
#include "servers/net/state.h"

enum {
    NET_CLASS_NET = CLASS_FIRST_FREE,
    NET_CLASS_SETTING, // under its place
    NET_CLASS_CONFIG,  // under its interface's index
    NET_CLASS_SESSION, // under its badge
    NET_CLASS_LINK,
    NET_CLASS_FILE, // under the slot of its memory
};

MUST_USE error_t net_give(struct handover *handover);
MUST_USE error_t net_take(struct handover *handover);

// --- send_file.c: what drivers still have. Its bytes lie in the records of connections, so the next build only gives it back.
MUST_USE error_t files_give(struct handover *handover);
MUST_USE error_t files_take(const struct handover *handover); // after the links

// --- link_handover.c
MUST_USE error_t links_give(struct handover *handover);
// The interface's card. ERR_CORRUPT: it has none.
MUST_USE error_t link_take(const struct handover *handover, struct interface *interface);
