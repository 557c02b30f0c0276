// The two ends of every test on the modelled machine: slots that its first process is born with, and the end
// of everything, after which nothing may be left.
#pragma once

#include "kernel/abi/capability.h"
#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

struct account;
struct process;

// For what a test needs to go on: ends the program.
void life_must(error_t error, const char *what);
// Fills a slot with every right. A range of ports is all of them.
struct capability *life_give(struct process *process, struct account *account, cap_t index, enum capability_kind kind,
                             void *object);
// Destroys all processes and drops the references to the two (held may be NULL). Aborts if an object, or less
// free memory than after the life before, is left.
void life_end(struct account *root, struct process *held);
