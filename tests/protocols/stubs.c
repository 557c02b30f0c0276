// What dispatchers link to beside the checks. No harness defers, answers or forwards; one that did would end
// here.
#include <stdlib.h>

#include "libipc/server/request.h"

error_t request_answer(struct deferred *deferred, error_t status, const struct reply *reply) {
    (void)deferred, (void)status, (void)reply;
    abort();
}

error_t request_forward(struct request *request, cap_t session, const struct ipc_shape *shape, const uint64_t *words) {
    (void)request, (void)session, (void)shape, (void)words;
    abort();
}
