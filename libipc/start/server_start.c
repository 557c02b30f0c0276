// From the entry point to server_main, and from its return to the end of the actor. See server_start.asm.
#include "libipc/start/start.h"

#include "kernel/abi/capability.h"
#include "libipc/protocols/process.h"

int server_main(const struct startup *startup);
_Noreturn void server_start(const struct startup *startup);

_Noreturn void server_start(const struct startup *startup) {
    int status = startup_accept(startup) ? 1 : server_main(startup);
    for (;;)
        (void)process_exit(SLOT_SELF, (uint64_t)status);
}
