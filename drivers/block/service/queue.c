// See queue.h. Searches are linear: queues hold at most some hundred requests, and a stream's next one is at
// the end.
#include "drivers/block/service/queue.h"

#include <stddef.h>

#include "libipc/protocols/block.h"

void block_queue_add(struct block_queue *queue, struct block_io *io) {
    io->sequence = queue->sequence++;
    queue->length++;
    if (io->operation == BLOCK_OPERATION_FLUSH) {
        io->next = NULL;
        if (queue->flush_last != NULL)
            queue->flush_last->next = io;
        else
            queue->flush_first = io;
        queue->flush_last = io;
        return;
    }
    struct block_io *before = queue->last;
    while (before != NULL && before->sector > io->sector)
        before = before->previous;
    io->previous = before;
    io->next = before != NULL ? before->next : queue->first;
    if (io->next != NULL)
        io->next->previous = io;
    else
        queue->last = io;
    if (before != NULL)
        before->next = io;
    else
        queue->first = io;
}

static struct block_io *take(struct block_queue *queue, struct block_io *io) {
    if (io->previous != NULL)
        io->previous->next = io->next;
    else
        queue->first = io->next;
    if (io->next != NULL)
        io->next->previous = io->previous;
    else
        queue->last = io->previous;
    io->next = io->previous = NULL;
    queue->length--;
    queue->position = io->sector + io->count;
    return io;
}

static struct block_io *oldest(const struct block_queue *queue) {
    struct block_io *found = queue->first;
    for (struct block_io *io = queue->first; io != NULL; io = io->next)
        if (io->sequence < found->sequence)
            found = io;
    return found;
}

struct block_io *block_queue_take(struct block_queue *queue) {
    struct block_io *io = queue->flush_first;
    if (io != NULL) {
        queue->flush_first = io->next;
        if (queue->flush_first == NULL)
            queue->flush_last = NULL;
        io->next = io->previous = NULL;
        queue->length--;
        return io;
    }
    if (queue->first == NULL)
        return NULL;
    if (++queue->sweep >= SWEEP_COMMANDS) {
        queue->sweep = 0;
        return take(queue, oldest(queue));
    }
    for (io = queue->first; io != NULL && io->sector < queue->position;)
        io = io->next;
    return take(queue, io != NULL ? io : queue->first);
}

struct block_io *block_queue_take_at(struct block_queue *queue, uint64_t sector, uint32_t operation, uint32_t most) {
    for (struct block_io *io = queue->first; io != NULL && io->sector <= sector; io = io->next)
        if (io->sector == sector && io->operation == operation && io->count <= most)
            return take(queue, io);
    return NULL;
}
