// Loading init: a static position-independent ELF program for x86-64, at a random address. It relocates itself.
#pragma once

#include "kernel/sched/process.h"

// Maps the segments into the process's space. ERR_NOT_EXECUTABLE, or what memory_create and space_map give.
error_t executable_load(struct process *process, const void *file, uint64_t length, uint64_t *entry) MUST_USE;
