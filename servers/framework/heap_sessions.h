// Session tables (libipc/server/session_table.h) whose entries lie in the heap and double when they are full. Entries never move
// while a badge is looked up: both functions are called by handlers alone.
#pragma once

#include "kernel/abi/message.h"
#include "libipc/server/session_table.h"

// A badge for `object`, which is not NULL. ERR_NO_MEMORY: nothing has changed.
MUST_USE error_t heap_sessions_add(struct session_table *table, void *object, uint64_t *badge);

// Puts an object back under the badge that it had for another actor. ERR_NO_MEMORY, ERR_EXISTS: nothing has changed.
MUST_USE error_t heap_sessions_restore(struct session_table *table, uint64_t badge, void *object);

// After a handover: sessions of `endpoint` that clients hold and the records do not know, made by an actor that came after the
// records, keep their badges to themselves.
void heap_sessions_avoid_unknown(struct session_table *table, cap_t endpoint);
