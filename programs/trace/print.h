// A trace as text, one line for each event.
#pragma once

#include "programs/trace/file.h"

// Prints what concerns the process (0: everything), but not what `tracer` did itself.
void trace_print(const struct trace *trace, uint32_t process, uint32_t tracer);
// Leaves out of the trace what trace_print would not show.
void trace_reduce(struct trace *trace, uint32_t process, uint32_t tracer);
