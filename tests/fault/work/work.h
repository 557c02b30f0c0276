// One run of the sweep's workload; called by main.c, which compares what the runs say.
#pragma once

#include <sys/types.h>

#include "kernel/abi/message.h"

enum { WORK_TEXT_BYTES = 16384 };

extern cap_t work_session;              // of init
extern char work_text[WORK_TEXT_BYTES]; // what the last run said

// Runs it once, in a new folder /root/w/NUMBER, which it leaves behind.
void work_run(int number);

// What the workload's own child processes do; their exit status.
int work_child(const char *name);

// Kills every server `count` times and prints how long each is away; 0 or 1.
int work_measure(int count);

// The workload of the power cuts: on the device mounted at `folder`, with marks from byte `marks` of the
// device on; 0, or it exits.
int work_power(const char *device, const char *folder, off_t marks, unsigned seed, unsigned rounds);
