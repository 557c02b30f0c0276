// Telling init of a server that answers nonsense (libipc/client/call.h). For roles: each has a session for it.
#include "libipc/client/call.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"

bool complain_to_init(cap_t session) {
    cap_t blame = startup_capability("blame");
    return blame != 0 && session != blame && service_blame(blame, session) == ERR_OK;
}
