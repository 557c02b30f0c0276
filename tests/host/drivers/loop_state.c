// The timers of libipc hang in the state of the server loop; here there is no loop, only that state.
#include "libipc/server/loop.h"

struct loop loop;
