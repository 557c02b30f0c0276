// See pipe.h. POSIX's rules (pipe(7), XSH write): at most PIPE_ATOMIC bytes go in undivided, longer writes
// fill what there is; without writers a read finds the end, without readers a write fails.
#include "servers/vfs/pipe.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/client/clock.h"
#include "libipc/kept/undo.h"
#include "servers/framework/refusals.h"

static uint64_t last_inode;

static uint32_t room(const struct pipe *pipe) {
    return PIPE_BYTES - pipe->count;
}

// A ring that the last pipe to run empty left: most pipes run empty after each read, and one ring does for them all.
static unsigned char *spare_ring;
static uint64_t last_taken_in; // kept_commits() when a ring was taken from the heap, or bytes out of one

static void ring_free(struct pipe *pipe) {
    if (spare_ring == NULL)
        spare_ring = pipe->bytes;
    else
        free(pipe->bytes);
    pipe->bytes = NULL;
}

static bool ring_make(struct pipe *pipe) {
    pipe->bytes = spare_ring;
    spare_ring = NULL;
    if (pipe->bytes == NULL) {
        pipe->bytes = malloc(PIPE_BYTES);
        last_taken_in = kept_commits();
    }
    pipe->start = 0;
    return pipe->bytes != NULL;
}

// --- bytes
// ----------------------------------------------------------------------------------------------------------
// Moves to or from the lent buffer, in at most two pieces. A request is served (request) or was put aside
// (deferred).
struct mover {
    struct request *request;
    struct deferred *deferred;
};

// What a ring held beyond its bytes at the last commit means nothing, and need not be noted; unless it was the heap's then.
static error_t move_in(const struct mover *mover, uint64_t offset, void *to, uint64_t length) {
    if (last_taken_in == kept_commits())
        kept_note(to, length);
    return mover->request != NULL ? request_copy_in_unnoted(mover->request, offset, to, length)
                                  : deferred_copy_in_unnoted(mover->deferred, offset, to, length);
}

static error_t move_out(const struct mover *mover, uint64_t offset, const void *from, uint64_t length) {
    return mover->request != NULL ? request_copy_out(mover->request, offset, from, length)
                                  : deferred_copy_out(mover->deferred, offset, from, length);
}

static error_t bytes_give(struct pipe *pipe, const struct mover *mover, uint64_t offset, uint32_t length) {
    uint32_t first = PIPE_BYTES - pipe->start < length ? PIPE_BYTES - pipe->start : length;
    error_t error = move_out(mover, offset, pipe->bytes + pipe->start, first);
    if (error == ERR_OK && first < length)
        error = move_out(mover, offset + first, pipe->bytes, length - first);
    if (error != ERR_OK)
        return error;
    pipe->start = (pipe->start + length) % PIPE_BYTES;
    pipe->count -= length;
    last_taken_in = kept_commits();
    if (pipe->count == 0)
        ring_free(pipe);
    return ERR_OK;
}

static error_t bytes_take(struct pipe *pipe, const struct mover *mover, uint64_t offset, uint32_t length) {
    if (pipe->bytes == NULL && !ring_make(pipe))
        return ERR_NO_MEMORY;
    uint32_t end = (pipe->start + pipe->count) % PIPE_BYTES;
    uint32_t first = PIPE_BYTES - end < length ? PIPE_BYTES - end : length;
    error_t error = move_in(mover, offset, pipe->bytes + end, first);
    if (error == ERR_OK && first < length)
        error = move_in(mover, offset + first, pipe->bytes, length - first);
    if (error == ERR_OK)
        pipe->count += length;
    if (pipe->count == 0)
        ring_free(pipe);
    return error;
}

// --- waiting
// --------------------------------------------------------------------------------------------------------
static void queue_push(struct pipe_queue *queue, struct pipe_waiter *waiter) {
    waiter->next = NULL;
    if (queue->last != NULL)
        queue->last->next = waiter;
    else
        queue->first = waiter;
    queue->last = waiter;
    queue->count++;
}

static void queue_remove(struct pipe_queue *queue, struct pipe_waiter *waiter) {
    struct pipe_waiter *before = NULL, *at = queue->first;
    while (at != waiter) {
        before = at;
        at = at->next;
    }
    if (before != NULL)
        before->next = waiter->next;
    else
        queue->first = waiter->next;
    if (queue->last == waiter)
        queue->last = before;
    queue->count--;
}

static struct pipe_waiter *waiter_make(struct pipe_end *end, uint64_t length, uint64_t done) {
    struct pipe_waiter *waiter = end->first_is_used ? malloc(sizeof(*waiter)) : &end->first;
    if (waiter == NULL)
        return NULL;
    if (waiter == &end->first) {
        end->first_is_used = true;
        if (end->freed_in != kept_commits())
            kept_fresh(waiter, sizeof(*waiter)); // at the last commit it meant nothing
    }
    waiter->pipe = end->pipe; // request_defer and queue_push set the rest
    waiter->length = length;
    waiter->done = done;
    waiter->is_writer = end->is_writer;
    return waiter;
}

static void waiter_free(struct pipe_waiter *waiter) {
    struct pipe_end *end = waiter->is_writer ? &waiter->pipe->writer : &waiter->pipe->reader;
    if (waiter == &end->first) {
        end->first_is_used = false;
        end->freed_in = kept_commits();
    } else {
        free(waiter);
    }
}

static void waiter_end(struct pipe_waiter *waiter, error_t status) {
    struct pipe *pipe = waiter->pipe;
    queue_remove(waiter->is_writer ? &pipe->writers : &pipe->readers, waiter);
    if (waiter->done != 0)
        status = ERR_OK; // what was moved counts
    struct file_write_out written = {.count = waiter->done};
    struct file_read_out read = {.count = waiter->done};
    if (waiter->is_writer)
        file_write_answer(&waiter->deferred, status, &written);
    else
        file_read_answer(&waiter->deferred, status, &read);
    waiter_free(waiter);
}

static bool readers_serve(struct pipe *pipe) {
    bool moved = false;
    while (pipe->readers.first != NULL && pipe->count != 0) {
        struct pipe_waiter *waiter = pipe->readers.first;
        uint32_t length = waiter->length < pipe->count ? (uint32_t)waiter->length : pipe->count;
        struct mover mover = {.deferred = &waiter->deferred};
        error_t error = bytes_give(pipe, &mover, 0, length);
        if (error == ERR_OK)
            waiter->done = length;
        moved = moved || error == ERR_OK;
        waiter_end(waiter, error);
    }
    while (pipe->readers.first != NULL && !pipe->writer.is_open)
        waiter_end(pipe->readers.first, ERR_OK);
    return moved;
}

// How many bytes a write with `left` of `length` bytes to go may put in now.
static uint32_t writable(const struct pipe *pipe, uint64_t length, uint64_t left) {
    if (length <= PIPE_ATOMIC)
        return left <= room(pipe) ? (uint32_t)left : 0;
    return left < room(pipe) ? (uint32_t)left : room(pipe);
}

static bool writers_serve(struct pipe *pipe) {
    bool moved = false;
    while (pipe->writers.first != NULL) {
        struct pipe_waiter *waiter = pipe->writers.first;
        uint32_t length = pipe->reader.is_open ? writable(pipe, waiter->length, waiter->length - waiter->done) : 0;
        struct mover mover = {.deferred = &waiter->deferred};
        error_t error = ERR_BROKEN_PIPE;
        if (pipe->reader.is_open) {
            if (length == 0)
                break;
            error = bytes_take(pipe, &mover, waiter->done, length);
        }
        if (error == ERR_OK) {
            waiter->done += length;
            moved = true;
        }
        if (error != ERR_OK || waiter->done == waiter->length)
            waiter_end(waiter, error);
    }
    return moved;
}

static uint64_t end_ready(const struct pipe_end *end) {
    const struct pipe *pipe = end->pipe;
    if (end->is_writer)
        return !pipe->reader.is_open ? READINESS_WRITE | READINESS_ERROR : room(pipe) >= PIPE_ATOMIC ? READINESS_WRITE : 0;
    uint64_t hang_up = pipe->writer.is_open ? 0 : READINESS_HANG_UP;
    return hang_up | (pipe->count != 0 ? READINESS_READ : 0);
}

// Something changed: both sides move as far as they can, then those who poll hear of it.
static void pipe_settle(struct pipe *pipe) {
    bool moved = true;
    while (moved) {
        moved = readers_serve(pipe);
        moved = writers_serve(pipe) || moved;
    }
    pipe->changed = (int64_t)clock_wall();
    if (pipe->reader.is_open)
        poll_list_notify(&pipe->reader.polls, end_ready(&pipe->reader));
    if (pipe->writer.is_open)
        poll_list_notify(&pipe->writer.polls, end_ready(&pipe->writer));
}

// Its caller gives it up.
static void waiter_cancelled(struct deferred *deferred) {
    struct pipe_waiter *waiter = (struct pipe_waiter *)deferred;
    struct pipe *pipe = waiter->pipe;
    waiter_end(waiter, ERR_CANCELLED);
    pipe_settle(pipe); // the next one may need less room
}

static error_t wait_in_queue(struct pipe_end *end, struct request *request, uint64_t length, uint64_t done) {
    struct pipe *pipe = end->pipe;
    struct pipe_queue *queue = end->is_writer ? &pipe->writers : &pipe->readers;
    struct pipe_waiter *waiter = queue->count < PIPE_WAITERS_MAX ? waiter_make(end, length, done) : NULL;
    if (waiter == NULL)
        return ERR_NO_MEMORY;
    error_t error = request_defer(request, &waiter->deferred);
    if (error != ERR_OK) {
        waiter_free(waiter);
        return error;
    }
    waiter->deferred.cancelled = waiter_cancelled;
    queue_push(queue, waiter);
    return ERR_OK;
}

// --- the protocol `file`
// --------------------------------------------------------------------------------------------
static struct pipe_end *end_of(const struct request *request) {
    return (struct pipe_end *)session_find(request->badge);
}

static error_t handle_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    struct pipe_end *end = end_of(request);
    struct pipe *pipe = end->pipe;
    if (end->is_writer)
        return ERR_RIGHTS;
    if (in->position != UINT64_MAX)
        return ERR_NOT_SEEKABLE;
    if (in->data_size == 0)
        return ERR_OK;
    if (pipe->count != 0) {
        uint32_t length = in->data_size < pipe->count ? (uint32_t)in->data_size : pipe->count;
        struct mover mover = {.request = request};
        error_t error = bytes_give(pipe, &mover, 0, length);
        if (error != ERR_OK)
            return error;
        out->count = length;
        pipe_settle(pipe);
        return ERR_OK;
    }
    if (!pipe->writer.is_open)
        return ERR_OK;
    return (end->flags & FILE_FLAG_NON_BLOCKING) != 0 ? ERR_AGAIN : wait_in_queue(end, request, in->data_size, 0);
}

uint64_t pipe_last_inode(void) {
    return last_inode;
}

void pipe_start_inodes(uint64_t last) {
    last_inode = last;
}

error_t pipe_note_interrupted(uint64_t inode, uint64_t thread, uint64_t count, uint64_t done) {
    for (uint32_t i = 1; i < vfs.sessions.used; i++) {
        const struct session *session = vfs.sessions.entries[i].object;
        if (session == NULL || session->kind != SESSION_PIPE || ((const struct pipe_end *)session)->pipe->inode != inode)
            continue;
        struct pipe *pipe = ((const struct pipe_end *)session)->pipe;
        struct pipe_interrupted *note = malloc(sizeof(*note));
        if (note == NULL)
            return ERR_NO_MEMORY;
        *note = (struct pipe_interrupted){pipe->interrupted, thread, count, done};
        pipe->interrupted = note;
        return ERR_OK;
    }
    return ERR_OK;
}

// Bytes of this write that an actor before has put in. A newer request of the same thread: the older one was given up.
static uint64_t interrupted_take(struct pipe *pipe, const struct request *request) {
    uint64_t done = 0;
    for (struct pipe_interrupted **place = &pipe->interrupted; *place != NULL;) {
        struct pipe_interrupted *note = *place;
        if (note->thread != request->number_thread) {
            place = &note->next;
            continue;
        }
        if (note->count == request->number_count)
            done = note->done;
        *place = note->next;
        free(note);
    }
    return done;
}

static error_t handle_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    struct pipe_end *end = end_of(request);
    struct pipe *pipe = end->pipe;
    bool is_blocking = (end->flags & FILE_FLAG_NON_BLOCKING) == 0;
    if (!end->is_writer)
        return ERR_RIGHTS;
    if (in->position != UINT64_MAX)
        return ERR_NOT_SEEKABLE;
    if (!pipe->reader.is_open)
        return ERR_BROKEN_PIPE;
    uint64_t length = in->data_size, done = interrupted_take(pipe, request);
    error_t error = ERR_OK;
    // Whoever waits already goes first.
    while (done < length && pipe->writers.first == NULL) {
        uint32_t part = writable(pipe, length, length - done);
        if (part == 0)
            break;
        struct mover mover = {.request = request};
        error = bytes_take(pipe, &mover, done, part);
        if (error != ERR_OK)
            break;
        done += part;
        pipe_settle(pipe); // readers that waited make room again
    }
    if (done == length || (done != 0 && (error != ERR_OK || !is_blocking))) {
        out->count = done;
        return ERR_OK;
    }
    if (error != ERR_OK)
        return error;
    return is_blocking ? wait_in_queue(end, request, length, done) : ERR_AGAIN;
}

static error_t handle_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)in;
    const struct pipe *pipe = end_of(request)->pipe;
    out->status = (struct file_status){.inode = pipe->inode, .kind = FILE_KIND_PIPE, .mode = 0600, .links = 1};
    out->status.block_size = PIPE_ATOMIC;
    out->status.size = pipe->count;
    out->status.accessed = out->status.modified = out->status.changed = pipe->changed;
    return ERR_OK;
}

static error_t handle_get_flags(struct request *request, const struct file_get_flags_in *in, struct file_get_flags_out *out) {
    (void)in;
    out->flags = end_of(request)->flags;
    return ERR_OK;
}

static error_t handle_set_flags(struct request *request, const struct file_set_flags_in *in, struct file_set_flags_out *out) {
    (void)out;
    if (!file_flags_are_known(in->flags))
        return ERR_INVALID;
    end_of(request)->flags = in->flags;
    return ERR_OK;
}

static error_t handle_poll(struct request *request, const struct file_poll_in *in, struct file_poll_out *out) {
    struct pipe_end *end = end_of(request);
    out->ready = end_ready(end) & (in->interest | READINESS_HANG_UP | READINESS_ERROR);
    if (out->ready != 0 || in->notification == 0)
        return ERR_OK;
    cap_t notification = request_keep(request, in->notification);
    return poll_list_add(&end->polls, notification, in->bits, in->interest, &out->ticket);
}

static error_t handle_poll_end(struct request *request, const struct file_poll_end_in *in, struct file_poll_end_out *out) {
    (void)out;
    poll_list_remove(&end_of(request)->polls, in->ticket);
    return ERR_OK;
}

const struct file_ops pipe_file_ops = {
    .read = handle_read,
    .write = handle_write,
    .seek = refuse_seek,
    .status = handle_status,
    .truncate = refuse_truncate,
    .sync = refuse_sync,
    .get_flags = handle_get_flags,
    .set_flags = handle_set_flags,
    .poll = handle_poll,
    .poll_end = handle_poll_end,
};

// --- life
// -----------------------------------------------------------------------------------------------------------
static void pipe_free_if_unused(struct pipe *pipe) {
    if (pipe->reader.is_open || pipe->writer.is_open)
        return;
    while (pipe->interrupted != NULL) {
        struct pipe_interrupted *next = pipe->interrupted->next;
        free(pipe->interrupted);
        pipe->interrupted = next;
    }
    free(pipe->bytes);
    free(pipe);
    vfs.pipe_count--;
}

void pipe_end_closed(struct pipe_end *end) {
    struct pipe *pipe = end->pipe;
    session_remove(&end->session);
    end->is_open = false;
    poll_list_clear(&end->polls);
    struct pipe_queue *own = end->is_writer ? &pipe->writers : &pipe->readers;
    while (own->first != NULL) // their callers died, or the end could not be closed yet
        waiter_end(own->first, ERR_CANCELLED);
    pipe_settle(pipe);
    pipe_free_if_unused(pipe);
}

static error_t end_publish(struct pipe_end *end, cap_t *capability) {
    error_t error = session_publish(&end->session, capability);
    end->is_open = error == ERR_OK;
    return error;
}

error_t pipe_make(uint64_t flags, cap_t *reader, cap_t *writer) {
    struct pipe *pipe = vfs.pipe_count < PIPES_MAX ? calloc(1, sizeof(*pipe)) : NULL;
    if (pipe == NULL)
        return ERR_NO_MEMORY;
    vfs.pipe_count++;
    pipe->inode = ++last_inode;
    pipe->changed = (int64_t)clock_wall();
    pipe->reader = (struct pipe_end){.session.kind = SESSION_PIPE, .pipe = pipe, .flags = flags};
    pipe->writer = (struct pipe_end){.session.kind = SESSION_PIPE, .pipe = pipe, .flags = flags, .is_writer = true};
    error_t error = end_publish(&pipe->reader, reader);
    if (error == ERR_OK) {
        error = end_publish(&pipe->writer, writer);
        if (error != ERR_OK) {
            session_remove(&pipe->reader.session);
            pipe->reader.is_open = false;
        }
    }
    pipe_free_if_unused(pipe);
    return error;
}
