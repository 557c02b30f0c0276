// See send_queue.h.
#include "servers/net/stack/send_queue.h"

#include "servers/net/stack/stack.h"

void stack_file_release(struct stack *stack, struct stack_file *file) {
    if (--file->references == 0)
        stack->file_free(file);
}

// What of [at, at + length) lies in the part that is wanted; `skip`: bytes of it that come before that.
static uint32_t overlap(uint32_t at, uint32_t length, uint32_t from, uint32_t until, uint32_t *skip) {
    uint32_t start = larger(at, from), end = smaller(at + length, until);
    *skip = start - at;
    return end > start ? end - start : 0;
}

uint32_t send_queue_pieces(const struct send_queue *queue, uint32_t offset, uint32_t length,
                           struct piece pieces[SEND_PIECES_MOST]) {
    uint32_t at = 0, in_ring = 0, count = 0, skip, until = offset + length;
    for (const struct file_range *range = queue->first; range != NULL && at < until; range = range->next) {
        uint32_t bytes = overlap(at, range->before, offset, until, &skip);
        count += ring_buffer_pieces(&queue->bytes, in_ring + skip, bytes, pieces + count);
        at += range->before;
        in_ring += range->before;
        bytes = overlap(at, range->length, offset, until, &skip);
        if (bytes != 0)
            pieces[count++] = (struct piece){.length = bytes, .file = range->file, .offset = range->offset + skip};
        at += range->length;
    }
    if (at >= until)
        return count;
    uint32_t bytes = overlap(at, queue->bytes.count - in_ring, offset, until, &skip);
    return count + ring_buffer_pieces(&queue->bytes, in_ring + skip, bytes, pieces + count);
}

void send_queue_written(struct send_queue *queue, uint32_t length) {
    queue->bytes.count += length;
    queue->count += length;
}

bool send_queue_add_file(struct stack *stack, struct send_queue *queue, struct stack_file *file, uint32_t offset,
                         uint32_t length) {
    struct file_range *range = queue->ranges < FILE_RANGES_MOST ? stack_allocate(stack, sizeof(*range)) : NULL;
    if (range == NULL)
        return false;
    uint32_t before = queue->bytes.count;
    for (const struct file_range *other = queue->first; other != NULL; other = other->next)
        before -= other->before;
    *range = (struct file_range){.file = file, .offset = offset, .length = length, .before = before};
    file->references++;
    if (queue->last != NULL)
        queue->last->next = range;
    else
        queue->first = range;
    queue->last = range;
    queue->ranges++;
    queue->count += length;
    return true;
}

static void range_drop(struct stack *stack, struct send_queue *queue) {
    struct file_range *range = queue->first;
    queue->first = range->next;
    if (range->next == NULL)
        queue->last = NULL;
    queue->ranges--;
    stack_file_release(stack, range->file);
    stack_free(stack, range, sizeof(*range));
}

void send_queue_drop(struct stack *stack, struct send_queue *queue, uint32_t length) {
    queue->count -= length;
    while (length != 0) {
        struct file_range *range = queue->first;
        uint32_t part = smaller(length, range != NULL ? range->before : queue->bytes.count);
        if (part != 0) {
            ring_buffer_drop(stack, &queue->bytes, part);
            if (range != NULL)
                range->before -= part;
        } else {
            part = smaller(length, range->length);
            range->offset += part;
            range->length -= part;
            if (range->length == 0)
                range_drop(stack, queue);
        }
        length -= part;
    }
    if (queue->bytes.count == 0)
        ring_buffer_free(stack, &queue->bytes);
}

void send_queue_free(struct stack *stack, struct send_queue *queue) {
    while (queue->first != NULL)
        range_drop(stack, queue);
    ring_buffer_free(stack, &queue->bytes);
    queue->count = 0;
}
