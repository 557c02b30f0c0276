// The core's messages: a small formatter over platform_log, and what happens when the disk turns out to be
// corrupt.
#pragma once

#include "servers/ext2/state.h"

// %u uint32_t, %d int32_t, %q uint64_t, %s string. At most 200 bytes. After 200 messages of one mount it
// falls silent.
void message_log(struct filesystem *fs, enum platform_log_level level, const char *format, ...);
// Logs, marks the disk so that e2fsck looks at it, and returns ERR_CORRUPT. What is affected is for the
// caller to stop using.
error_t filesystem_corrupt(struct filesystem *fs, const char *format, ...);
// The structures that say what is free contradict each other: nothing is written any more.
void filesystem_stop_writing(struct filesystem *fs, const char *reason);
