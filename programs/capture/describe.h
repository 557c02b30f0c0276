// One frame in one line of text. Pure: reads nothing outside of the frame, whatever is in it.
#pragma once

#include <stdint.h>

#include "programs/common/buffer.h"

// `length` bytes from the Ethernet header on.
void frame_describe(struct buffer *line, const uint8_t *frame, uint32_t length);
