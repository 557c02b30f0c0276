// From the entry point to server_main, and from its return to the end of the actor. See server_start.asm.
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"

_Static_assert(offsetof(struct startup, is_restart) == 104 && RESTART_MEMORY == 2, "as server_start.asm says");

int server_main(const struct startup *startup);
_Noreturn void server_start(const struct startup *startup);
_Noreturn void server_start_again(const struct startup *startup);
__attribute__((weak)) error_t server_resume(const struct startup *startup); // libipc/server: not in every program

static _Noreturn void leave(uint64_t status) {
    for (;;)
        (void)process_exit(SLOT_SELF, status);
}

_Noreturn void server_start(const struct startup *startup) {
    error_t error = startup_accept(startup);
    if (error == ERR_OK && (startup->flags & STARTUP_KEEP) != 0)
        error = kept_start((uint64_t)(startup->flags >> STARTUP_LOG_SHIFT) << 10);
    ipc_complain = complain_to_init;
    leave(error != ERR_OK ? 1 : (uint64_t)server_main(startup));
}

_Noreturn void server_start_again(const struct startup *startup) {
    error_t error = server_resume != NULL ? server_resume(startup) : ERR_CORRUPT;
    leave(error == ERR_CORRUPT ? STARTUP_REFUSED : 1);
}
