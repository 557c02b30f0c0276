// What exit() calls if it is linked in: weak references, so that a program without streams does not carry
// them.
#pragma once

__attribute__((weak)) void run_destructors(void);  // start/start.c
__attribute__((weak)) void stream_flush_all(void); // stdio/stream_list.c
