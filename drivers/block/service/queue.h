// Requests that wait for a disk, in the order of a sweep: the head moves upwards over the sectors and starts
// again at the lowest, so that neighbours can be merged into one command. After SWEEP_COMMANDS commands the
// oldest request is next whatever its place, so nobody waits for ever. A flush goes first: it covers only
// what was completed before it.
#pragma once

#include "drivers/block/service/io.h"

enum { SWEEP_COMMANDS = 64 };

struct block_queue {
    struct block_io *first, *last;             // reads and writes by sector; equals in order of arrival
    struct block_io *flush_first, *flush_last; // by arrival
    uint64_t position;                         // sector behind the last command
    uint64_t sequence;                         // of the next arrival
    uint32_t sweep;                            // commands since the oldest was last looked for
    uint32_t length;
};

void block_queue_add(struct block_queue *queue, struct block_io *io);

// Takes the request that is next; NULL: none waits.
struct block_io *block_queue_take(struct block_queue *queue);

// Takes the request, of the same operation, that begins at `sector` and has at most `most` sectors; NULL:
// there is none.
struct block_io *block_queue_take_at(struct block_queue *queue, uint64_t sector, uint32_t operation, uint32_t most);
