// One run of the sweep's workload; called by main.c, which compares what the runs say.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/abi/message.h"

enum { WORK_TEXT_BYTES = 16384 };

extern cap_t work_session;              // of init
extern char work_text[WORK_TEXT_BYTES]; // what the last run said

// What a run is made of; the last one lists the folder that the others worked in.
enum work_part {
    WORK_LARGE_FILE = 1,
    WORK_NAMES = 2,
    WORK_NAMELESS = 4,
    WORK_CHILDREN = 8,
    WORK_SMALL_SYSTEMS = 16,
    WORK_TERMINAL = 32,
    WORK_KEYS = 64,
    WORK_LIST = 128,
    WORK_ALL = 255,
    WORK_DISK = 256, // reads the disk past the file system
};

// Runs these parts (enum work_part) once, in a new folder /root/w/NUMBER, which it leaves behind.
void work_run(int number, unsigned parts);

// The restarts of all roles, and whether one was given up.
uint64_t work_restarts(bool *lost);

// Mutations (mutate.c), as lines of the standard input ask for them; 0 or 1.
int work_mutate(void);

// What the workload's own child processes do; their exit status.
int work_child(const char *name);

// Kills every server `count` times and prints how long each is away; 0 or 1.
int work_measure(int count);

// The workload of the power cuts: on the device mounted at `folder`, with marks from byte `marks` of the
// device on; 0, or it exits.
int work_power(const char *device, const char *folder, off_t marks, unsigned seed, unsigned rounds);
