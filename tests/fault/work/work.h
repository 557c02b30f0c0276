// One run of the sweep's workload; called by main.c, which compares what the runs say.
#pragma once

enum { WORK_TEXT_BYTES = 16384 };

extern char work_text[WORK_TEXT_BYTES]; // what the last run said

// Runs it once, in a new folder /root/w/NUMBER, which it leaves behind.
void work_run(int number);

// What the workload's own child processes do; their exit status.
int work_child(const char *name);
