// One piece of work for a disk, and the memory that it moves data to or from. Shared by the protocol side
// (rings and calls) and by the drivers below it. Everything runs on the server's one thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

enum { SECTOR_BYTES = 512, BLOCK_IO_SECTORS_MAX = 4096 }; // of one request: 2 MiB

#define PHYSICAL_UNKNOWN UINT64_MAX

// Memory that outlives the requests which name it.
struct block_buffer {
    cap_t memory;      // 0: free
    uint32_t users;    // requests under way
    uint64_t rights;   // of the capability: the device would not ask for them
    uint64_t length;   // bytes
    uint64_t physical; // of contiguous memory; PHYSICAL_UNKNOWN: to be asked for page by page
    void *address;     // where the driver has it mapped, or NULL
};

struct block_io {
    uint64_t sector;    // on the disk, not the partition
    uint32_t count;     // sectors
    uint32_t operation; // enum block_operation
    struct block_buffer *buffer;
    uint64_t offset;                                   // bytes into the buffer, a multiple of 512
    void (*done)(struct block_io *io, error_t status); // called once, from the loop's context or a fiber's
    // The driver's, while it has the request.
    struct block_io *next, *previous;
    uint64_t sequence;
};
