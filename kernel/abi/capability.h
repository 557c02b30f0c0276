// Kinds of kernel objects, the rights that a capability can carry, and the slots that a process finds filled at its start.
#pragma once

#include <stdint.h>

enum capability_kind {
    CAP_NONE = 0,
    CAP_PROCESS = 1,
    CAP_THREAD = 2,
    CAP_ENDPOINT = 3,
    CAP_SESSION = 4,
    CAP_REPLY = 5,
    CAP_CALL = 6,
    CAP_NOTIFICATION = 7,
    CAP_MEMORY = 8,
    CAP_IRQ = 9,
    CAP_IOPORT = 10,
    CAP_ACCOUNT = 11,
    CAP_KERNEL = 12,
    CAP_KIND_COUNT
};

// Rights. A copy can only lose rights. Bits 0-3 mean the same for every kind.
enum capability_right {
    RIGHT_COPY = 1 << 0,     // may be copied and sent as a copy (moving needs no right)
    RIGHT_REVOKE = 1 << 1,   // may take back what was derived from it
    RIGHT_INSPECT = 1 << 2,  // information methods
    RIGHT_INHERIT = 1 << 3,  // process.clone_table copies the slot
    RIGHT_READ = 1 << 4,     // memory: map to read; ioport: in; kernel: trace
    RIGHT_WRITE = 1 << 5,    // memory: map to write; ioport: out
    RIGHT_EXECUTE = 1 << 6,  // memory: map to execute
    RIGHT_DMA = 1 << 7,      // memory: learn physical addresses
    RIGHT_CALL = 1 << 8,     // session: call and send
    RIGHT_RECEIVE = 1 << 9,  // endpoint: wait, acknowledge, enumerate; notification: wait and poll
    RIGHT_MINT = 1 << 10,    // endpoint: create sessions; irq, kernel: device capabilities; account: its quota
    RIGHT_SIGNAL = 1 << 11,  // notification: signal
    RIGHT_CONTROL = 1 << 12, // process, thread, account, call, irq: everything that changes it
    RIGHT_RANDOM = 1 << 13,  // kernel: random numbers and the clock
    RIGHT_POWER = 1 << 14,   // kernel: power off and restart
    RIGHT_IDENTIFY = 1 << 15 // endpoint: read the badge of a session that it made
};
#define RIGHTS_ALL 0xffffu

// What the kernel puts into the first process (init).
enum {
    SLOT_SELF = 1,    // process, with every right
    SLOT_THREAD = 2,  // its first thread
    SLOT_ACCOUNT = 3, // the root account: all memory
    SLOT_KERNEL = 4,  // random numbers, log, power, device memory
    SLOT_CLOCK = 5,   // memory: struct clock_page, read-only
    BOOT_SLOT_INITRD = 6,
    BOOT_SLOT_PLATFORM = 7, // memory: struct platform_info, read-only
    BOOT_SLOT_IRQ = 8,      // irq: the right to make interrupts
    BOOT_SLOT_IOPORT = 9,   // ioport: all 65,536
    BOOT_SLOT_FIRST_FREE = 10,
};

enum { CAP_TABLE_SLOTS = 65536 }; // the most that a capability table can grow to
