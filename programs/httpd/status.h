// The running system at a glance: a page for people, and the figures behind it.
#pragma once

#include "programs/common/buffer.h"

// The page; it asks for /status.json once a second.
extern const char status_page[];

void status_json(struct buffer *out);
