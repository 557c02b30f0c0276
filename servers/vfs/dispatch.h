// What the loop calls; apart from main.c so that tests can call it as well.
#pragma once

#include "libipc/server/handover.h"
#include "servers/vfs/state.h"

MUST_USE error_t vfs_server_dispatch(struct request *request);
void vfs_server_session_closed(uint64_t badge);
// Mounts the initrd, from the session called fs.initrdfs, on /.
MUST_USE error_t vfs_server_begin(void);
// The root directory of all, without anything mounted on it: for an actor that takes the mounts over.
void vfs_server_prepare(void);
MUST_USE error_t vfs_give(struct handover *handover);
MUST_USE error_t vfs_take(struct handover *handover);
