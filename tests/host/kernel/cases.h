// What the files of directed cases share: a case runs on the stage of stage.h, with and without a request being served, and
// is followed by the checker of invariants.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cap/capability.h"
#include "tests/host/kernel/stage.h"

struct thread;

struct scene {
    const char *name;
    void (*run)(void);
};
// End with one without a name.
extern const struct scene message_scenes[], memory_scenes[];

// Aborts, with the case's name.
void expect(bool ok, const char *what);
struct capability *slot_at(cap_t index);
// A call of a thread that runs, or of the stage's: rax, or the status that a kernel object gave.
int64_t act_as(struct thread *thread, int32_t number, uint64_t target, uint64_t tag, uint64_t second);
int64_t act(int32_t number, uint64_t target, uint64_t tag, uint64_t second);
// The same, made again as long as it says that there is more to do; the words are the first ones.
int64_t act_to_end(uint64_t target, uint64_t tag);
// The call that was made last is to be made again.
bool is_to_go_on(void);
// Of a process, and running.
struct thread *enter_as(struct process *process, uint8_t priority);
// The stage's thread ends; another takes its part.
void succeed(void);
