// What a call does when the kernel could not reach a page of a lent buffer: touch the buffer, so that its
// pager brings the pages in, and after two misses lend a buffer of libipc's own instead, which no pager can
// take away.
#pragma once

#include <stdbool.h>

#include "libipc/client/call.h"

struct bounce {
    unsigned misses;
    bool active; // the bounce buffers are lent; `original` is what the caller lent
    struct ipc_extras original;
};

// After ERR_PAGE_MISSING: prepares the next attempt. False if there is nothing left to try.
bool bounce_prepare(struct bounce *bounce, struct ipc_extras *extras);

// After the last attempt: copies what the server wrote to the caller's buffer and puts `extras` back.
void bounce_finish(struct bounce *bounce, struct ipc_extras *extras);
