// What all kernel objects have in common: a kind, who pays, and who still needs them. Every kind embeds struct object
// first. Two counts: `capabilities` (slots that name it) decides what users can still reach, `references` (slots and
// kernel pointers together) keeps the memory. With its last capability an object is told so once (object_unreachable);
// with its last reference it goes to the reaper, which takes it apart in bounded steps.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/capability.h"
#include "kernel/abi/errors.h"
#include "kernel/structure/list.h"

struct account;

struct object {
    uint8_t kind; // enum capability_kind
    bool dying;   // no new use: it is being taken apart
    bool reaping; // it is in the reaper's list
    uint32_t capabilities;
    uint32_t references;
    struct account *account; // pays for it; NULL for the root account and boot objects
    struct list reap;
};

// A zeroed object of `bytes`, charged to `account`, with one reference that the caller owns. ERR_QUOTA, ERR_NO_MEMORY.
error_t object_create(enum capability_kind kind, size_t bytes, struct account *account, void *out) MUST_USE;
void object_reference(struct object *object);
void object_release(struct object *object);

// A slot names the object now, or no longer does.
void object_add_capability(struct object *object);
void object_remove_capability(struct object *object);

// Puts an object that may still be pointed at into the reaper's hands; for good, or (a process whose threads are to end) alive.
void object_reap(struct object *object);
void object_end_in_steps(struct object *object);

// Runs the reaper for at most `steps` steps, each of them some 10,000 instructions at most; true if nothing is left to do. Called
// at the end of every slow system call, when memory runs short, and by the idle loop.
bool reaper_run(uint32_t steps);

// One step of taking an object of the kind apart; true when its memory may go. Implemented beside each kind.
bool process_reap_step(struct object *object);
bool thread_reap_step(struct object *object);
bool endpoint_reap_step(struct object *object);
bool session_reap_step(struct object *object);
bool call_reap_step(struct object *object);
bool memory_reap_step(struct object *object);
bool notification_reap_step(struct object *object);
bool irq_reap_step(struct object *object);

// The last capability went: what the kind does about it.
void process_unreachable(struct object *object);
void endpoint_unreachable(struct object *object);
void session_unreachable(struct object *object);
void call_unreachable(struct object *object);
void notification_unreachable(struct object *object);
