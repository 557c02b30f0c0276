// See world_vfs.h.
#include "tests/host/servers/world_vfs.h"

#include "servers/vfs/dispatch.h"
#include "tests/host/servers/check.h"

static struct machine_server machine = {&vfs.server, vfs_server_dispatch, vfs_server_session_closed};

struct machine_server *world_vfs_machine(void) {
    return &machine;
}

void world_vfs_begin(void) {
    CHECK(vfs_server_begin() == ERR_OK);
}

void world_vfs_check_empty(void) {
    CHECK(vfs.mounts != NULL && vfs.mounts->next == NULL && vfs.mounts->users == 0);
    CHECK(vfs.sessions.count == 0 && vfs.pipe_count == 0 && vfs.root.references == 1);
}
