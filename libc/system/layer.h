// What the files of the system layer share: the descriptor table and the capabilities that the process was started with.
// One thread; the table is only changed through these functions. Invariant: a descriptor in use has a file session of its
// own slot, so closing one never touches a copy.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/protocols/file.h"

enum { DESCRIPTORS_MAX = 1024 };

// Flags of a descriptor beside FD_CLOEXEC, as they travel in the startup block's value.
enum descriptor_flag {
    DESCRIPTOR_CLOSE_ON_SPAWN = 1 << 0,
    DESCRIPTOR_TERMINAL = 1 << 1, // one that asks who reads (terminal.enter)
    DESCRIPTOR_ACCESS_SHIFT = 4,
    DESCRIPTOR_ACCESS_MASK = 3
};

struct descriptor {
    cap_t file;      // 0: free
    uint32_t flags;  // enum descriptor_flag; O_ACCMODE bits from DESCRIPTOR_ACCESS_SHIFT on
    uint64_t cursor; // of a directory: where read_directory goes on
    // Of poll.c: what the file was asked to tell, and has not told if the bit's generation is still this one.
    uint64_t poll_ticket, poll_interest, poll_generation, poll_turn;
    uint64_t poll_stays; // as file.poll answered
    bool non_blocking;   // for certain: nobody who reads it waits
};

extern cap_t layer_root, layer_directory, layer_task;

error_t descriptor_get(int fd, struct descriptor **descriptor) MUST_USE;
// The lowest free descriptor from `minimum` on takes the file over; on error the file is released.
error_t descriptor_add(cap_t file, uint32_t flags, int minimum, int *fd) MUST_USE;
struct descriptor *descriptor_at(int fd); // NULL past the table's end; may be free
int descriptor_limit(void);               // one above the highest in use

// Puts what the process was started with into the table.
void descriptors_start(void);

// Where a path starts: the directory session and the path without leading slashes. *adopted, if not 0, must be released.
error_t layer_path_base(int directory, const char **path, cap_t *base, cap_t *adopted) MUST_USE;

// What stat() tells, as file servers do.
error_t layer_status(const char *path, struct file_status *status) MUST_USE;

// Waits until a bit of the notification is set or the time (monotonic, 0: never) has come. ERR_DEADLINE.
error_t layer_wait(cap_t notification, uint64_t deadline, uint64_t *bits) MUST_USE;
// A notification of this process's own for waiting, made on first use.
error_t layer_notification(cap_t *notification) MUST_USE;

// A receive has told what is ready still (socket.receive_from): for poll.
void layer_poll_received(int fd, uint64_t ready);

// Asks the terminal whether this process may use it so (enum terminal_use). In its background the group gets SIGTTIN or
// SIGTTOU, and this is asked again when it goes on (POSIX XBD 11.1.4). ERR_IO: it may not, and does not want to be told.
error_t layer_terminal_enter(cap_t file, uint64_t use) MUST_USE;

// Signals 1 to 32 that are ignored, a bit each; and those that the process was started with.
uint32_t layer_signals_ignored(void);
void layer_signals_inherit(uint32_t ignored);
bool layer_signal_is_held(int signal); // ignored or blocked

// Runs the handlers of signals that have come. True: a call that one of them interrupted ends with ERR_INTERRUPTED.
bool layer_signals_run(void);

uint64_t layer_open_flags(int flags); // O_... to enum open_flag
