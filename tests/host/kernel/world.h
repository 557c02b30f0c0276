// Programs for the modelled machine: threads whose every next act is read from a string of bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct statistics {
    uint64_t acts, calls[10], answered[2]; // by system call number; kernel object methods that failed, succeeded
    uint64_t serving, shown;               // calls made while serving a request, and with an answer or event just received
};
extern struct statistics world_statistics;

// Runs one life of the world, from its first process to the end of all, checking the kernel's invariants after each act.
void world_run(const uint8_t *bytes, size_t length);
