// vfs for world.c, apart since its names and the framework's are each their own.
#pragma once

#include "tests/host/servers/machine.h"

struct machine_server *world_vfs_machine(void);
void world_vfs_begin(void);
// Only the first mount is left, no session and no pipe.
void world_vfs_check_empty(void);
