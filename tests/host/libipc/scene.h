// The scene that most tests play in: a file server with a table of small files in memory, some of whose
// methods wait, and clients of it. Each test file plays other parts of it.
#pragma once

#include "libipc/protocols/file.h"
#include "libipc/protocols/file_server.h"
#include "libipc/server/server.h"
#include "tests/host/libipc/kernel.h"

// A stack for a fiber, from the simulated kernel's memory.
error_t scene_stack_create(uint64_t bytes, void **low);

// A server that runs `server` (with its endpoint filled in) in a new process; returns the process.
struct sim_process *scene_server(struct server *server);

// Runs until nothing moves, for each of `seeds` seeds: `play` sets the scene up, then all run, then `judge`
// looks.
void scene_repeat(const char *name, uint32_t seeds, void (*play)(void), void (*judge)(uint32_t threads_left));
