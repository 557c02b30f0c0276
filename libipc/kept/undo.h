// Kept memory: what a server's program writes outlives its actor, and is whole at every moment. All of it
// lies in one window of the address space: the program's own data, its heap, the stacks of its fibers. Before
// a store to the window the old bytes go into the undo log; a commit forgets the log; the next actor of the
// role takes back, in reverse order, what was stored since the last commit.
//
// Stores are noted by the compiler (`kept_args` in meson.build: its checks of stores, with our functions
// behind them); what it does not see is noted by hand with kept_note. Called by libipc/server, libipc/start
// and whoever lets the kernel or assembly code write to the window.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

// The window begins where the program was loaded. Memory of other kinds (rings, devices) is mapped elsewhere.
enum { KEPT_LOG_BYTES = 192 * 1024 };
#define KEPT_WINDOW_BYTES (UINT64_C(1) << 33)

// What is noted are lines of so many bytes, and they are taken back as a whole: what somebody else writes to, or a rollback must
// not change, shares no line with anything.
enum { KEPT_LINE_BYTES = 32 };

// For functions whose stores are not to be noted: to memory outside the window, to the stack and control block of the fiber that
// runs, or to what a rollback may find changed. In them a struct is set and copied without a call.
#define KEPT_UNNOTED __attribute__((no_sanitize("kernel-address")))

// Where nothing changes, nothing is noted.
#define KEPT_SET(place, value) ((place) != (value) ? (void)((place) = (value)) : (void)0)

// Makes the log, of at most `bytes` (0: KEPT_LOG_BYTES); until then, and if this fails, nothing is noted.
MUST_USE error_t kept_start(uint64_t bytes);

// Notes `bytes` bytes at `address`, which are about to change. Nothing happens outside the window.
void kept_note(const void *address, uint64_t bytes);

// The same for the line that `address` lies in.
void kept_note_line(const void *address);

// Whether anything is noted.
bool kept_active(void);

// For crash points: the actor ends at the store of that number from now; 0: at none.
void kept_fuse(uint64_t stores);

// Memory that means nothing if what is done now is taken back, so that its stores need no notes until the next commit: fresh from
// the heap. If it is large, that goes for memset and its kin only.
void kept_fresh(void *address, uint64_t bytes);

// One place in the window that changes with most requests: from the next commit on each commit notes all of it at once, which
// costs less than a note for every line that is stored to, and stores to it need no notes. Aligned to KEPT_HOT_ALIGNMENT.
enum { KEPT_HOT_LINES = 3, KEPT_HOT_ALIGNMENT = 4 * KEPT_LINE_BYTES };
void kept_hot(const void *place);

// From here on nothing is taken back.
void kept_commit(void);
// How often that was done.
uint64_t kept_commits(void);
// More than half of the log is used: a commit is due, or what comes may find no room and can't be taken back.
bool kept_is_deep(void);

// memcpy to memory that need not be noted: it was there for its purpose at the last commit, and holds nothing that the server's
// state counts on. Not to what was allocated since the last commit: a rollback makes it the heap's again.
void *kept_copy_unnoted(void *restrict to, const void *restrict from, uint64_t bytes);
// memset of the same kind; the heap's, to what it gives.
void *kept_set_unnoted(void *to, int byte, uint64_t bytes);

// Takes back what was stored since the last commit. False: it can't be, since the log was too small, is
// damaged or was never made. May be stopped anywhere and called again.
MUST_USE bool kept_rollback(void);

// Memory in the window, or anywhere if nothing is kept. Maps `bytes` (a multiple of 4,096) of a memory object
// to read and write.
MUST_USE error_t kept_map(cap_t memory, uint64_t bytes, uint64_t *address);
