// The checks that generated dispatchers make before a handler runs. Pure: looks at the request alone, so that
// fuzzers run it without a kernel.
#pragma once

#include <stdbool.h>

#include "libipc/server/request.h"

// ERR_BAD_MESSAGE unless the request has exactly the words, enough of the capabilities and no larger lent
// buffers than the method says; ERR_NOT_SUPPORTED if it has and there is no handler.
MUST_USE error_t request_check(struct request *request, const struct ipc_shape *shape, bool handled);
