// Recording: rings of the kernel, one for each processor, and what is in them at the end. The kernel records
// only while the recorder holds the rings' capabilities, so nothing stays switched on when the program dies.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "programs/trace/file.h"

// Makes the rings, each of `bytes` (a power of two), and begins. Ends the program with a message if it may
// not.
void recorder_start(uint64_t classes, uint64_t rate, uint64_t bytes);
// Stops, and moves the records of all rings into the trace, in the order of time.
void recorder_stop(struct trace *trace);
