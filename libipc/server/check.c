// See check.h. A missing lent buffer counts as an empty one.
#include "libipc/server/check.h"

static bool lend_fits(uint64_t tag, uint64_t flag, uint64_t length, uint32_t maximum) {
    return (tag & flag) == 0 || (maximum != 0 && length <= maximum);
}

error_t request_check(const struct request *request, const struct ipc_shape *shape, bool handled) {
    if (tag_words(request->tag) != shape->words_in)
        return ERR_BAD_MESSAGE;
    uint32_t caps = tag_caps(request->tag);
    if (caps < shape->caps_required || caps > shape->caps_in)
        return ERR_BAD_MESSAGE;
    for (unsigned i = 0; i < caps; i++)
        if (request->caps[i] == 0)
            return ERR_BAD_MESSAGE;
    if (!lend_fits(request->tag, TAG_LEND_READ, request->lent_read_length, shape->reads_max) ||
        !lend_fits(request->tag, TAG_LEND_WRITE, request->lent_write_length, shape->writes_max))
        return ERR_BAD_MESSAGE;
    return handled ? ERR_OK : ERR_NOT_SUPPORTED;
}
