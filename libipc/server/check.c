// See check.h. A missing lent buffer counts as an empty one.
#include "libipc/server/check.h"

#include "libipc/kept/undo.h"

static bool lend_fits(uint64_t tag, uint64_t flag, uint64_t length, uint32_t maximum) {
    return (tag & flag) == 0 || (maximum != 0 && length <= maximum);
}

// More words than arguments: a buffer that travels in the message. Its length becomes that of the lent one.
// The request lies in the fiber that runs.
KEPT_UNNOTED static bool inline_accept(struct request *request, const struct ipc_shape *shape) {
    uint32_t words = tag_words(request->tag), first = shape->words_in + 1u;
    if (words < first || words > MESSAGE_REGISTER_WORDS)
        return false;
    uint64_t size = request->words[shape->words_in];
    if (shape->carries_in != 0) {
        if ((request->tag & TAG_LEND_READ) != 0 || size > shape->carries_in || words != first + (size + 7) / 8)
            return false;
        request->carried.in = true;
        request->lent_read_length = size;
        for (uint32_t i = first; i < words; i++)
            request->carried.data[i - first] = request->words[i];
        return true;
    }
    if ((request->tag & TAG_LEND_WRITE) != 0 || size > shape->carries_out || words != first)
        return false;
    request->carried.out = true;
    for (uint32_t i = 0; i < INLINE_WORDS; i++)
        request->carried.data[i] = 0; // whole words go back: nothing of another client's may be left in them
    request->lent_write_length = size;
    return true;
}

error_t request_check(struct request *request, const struct ipc_shape *shape, bool handled) {
    if (tag_words(request->tag) != shape->words_in &&
        ((shape->carries_in | shape->carries_out) == 0 || !inline_accept(request, shape)))
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
