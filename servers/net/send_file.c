// socket.send_file: pages of a file that a card reads by itself. A file is attached to the card's driver before the stack sends
// it, so its pages have addresses, and stay: a copy out of them, where frames can't carry them, never fails. When the stack needs
// it no more and the card has sent the last frame that names it, a fiber gives it back to the driver and lets go of it.
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/memory.h"
#include "servers/net/handover.h"
#include "servers/net/operation.h"

enum { VERSION = 1 };

struct file_record {
    uint64_t memory, buffer;
    uint32_t bit; // of its link
    uint32_t padding;
};

static void bytes_read(const struct stack_file *file, uint32_t offset, uint8_t *to, uint32_t length) {
    uint64_t moved = 0;
    error_t error = memory_read(((const struct net_file *)file)->memory, offset, to, length, &moved);
    if (error != ERR_OK || moved < length)
        memset(to + moved, 0, length - moved); // never: see above
}

static void file_free(struct stack_file *file) {
    ((struct net_file *)file)->returned = true;
    files_give_back();
}

void files_start(void) {
    net.stack.file_read = bytes_read;
    net.stack.file_free = file_free;
}

// --- giving back
static struct net_file *next_returned(void) {
    struct net_file *file = net.files;
    while (file != NULL && !file->returned)
        file = file->next;
    return file;
}

static void forget(struct net_file *file) {
    struct net_file **place = &net.files;
    while (*place != file)
        place = &(*place)->next;
    *place = file->next;
    slot_release(file->memory);
    free(file);
}

static void give_back(void *argument) {
    struct net_file *file;
    (void)argument;
    while ((file = next_returned()) != NULL) {
        error_t ignored = nic_detach_pages(file->link->session, file->buffer);
        (void)ignored; // a driver that is gone has none
        forget(file);
    }
    net.giving_back = false;
}

void files_give_back(void) {
    if (net.giving_back || next_returned() == NULL)
        return;
    net.giving_back = fiber_start(give_back, NULL) == ERR_OK; // else with the next one
}

// --- sending
static struct link *link_of(const struct interface *interface) {
    for (uint32_t i = 0; i < LINKS_MAX; i++)
        if (net.links[i].interface == interface)
            return &net.links[i];
    return NULL;
}

static error_t check_range(const struct socket_send_file_in *in) {
    uint64_t bytes;
    error_t error = memory_information(in->memory, &bytes, NULL, NULL);
    if (error != ERR_OK)
        return ERR_INVALID;
    if (in->offset > bytes || in->length > bytes - in->offset || (in->flags & ~(uint64_t)SOCKET_MESSAGE_FLAG_DO_NOT_WAIT) != 0)
        return ERR_INVALID;
    return bytes > FILE_BYTES_MOST || in->length < FILE_BYTES_LEAST ? ERR_NOT_SUPPORTED : ERR_OK;
}

// Until the socket takes bytes of files. Over loopback it may change while this request's own frames go out.
static error_t await_room(struct session *session, bool waits, const struct interface **interface) {
    uint64_t deadline = session->send_timeout != 0 ? clock_monotonic() + session->send_timeout : 0;
    error_t error;
    while ((error = stack_socket_stream_card(session->socket, interface)) == ERR_AGAIN && waits) {
        uint64_t before = session->changes;
        net_end();
        if (session->changes == before)
            error = deadline != 0 ? fiber_wait_until(&session->fibers, deadline) : fiber_wait(&session->fibers);
        else
            error = ERR_OK;
        net_begin();
        if (error != ERR_OK)
            return error == ERR_DEADLINE ? ERR_AGAIN : error;
    }
    return error;
}

static error_t attach(struct link *link, cap_t memory, struct net_file **result) {
    struct net_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return ERR_NO_MEMORY;
    *file = (struct net_file){.file = {.references = 1, .interface = link->interface}, .link = link, .memory = memory};
    net_end();
    error_t error = nic_attach_pages(link->session, memory, &file->buffer);
    net_begin();
    if (error != ERR_OK) {
        free(file);
        return error == ERR_RIGHTS || error == ERR_INVALID || error == ERR_CANCELLED ? error : ERR_NOT_SUPPORTED;
    }
    file->next = net.files;
    net.files = file;
    *result = file;
    return ERR_OK;
}

error_t net_send_file(struct request *request, const struct socket_send_file_in *in, struct socket_send_file_out *out) {
    struct session *session = session_find(request->badge);
    const struct interface *interface;
    struct net_file *file;
    bool waits = session_waits(session, in->flags);
    if (session->socket->kind != SOCKET_STREAM)
        return ERR_NOT_SUPPORTED;
    error_t error = check_range(in);
    if (error == ERR_OK)
        error = await_room(session, waits, &interface);
    struct link *link = error == ERR_OK ? link_of(interface) : NULL;
    if (link == NULL)
        return error != ERR_OK ? error : ERR_NOT_SUPPORTED;
    error = attach(link, in->memory, &file);
    if (error != ERR_OK)
        return error;
    file->memory = request_keep(request, in->memory);
    session = session_find(request->badge); // may have ended with its holder, if this actor is not the one that was asked
    error = session != NULL ? stack_socket_stream_file(session->socket, &file->file, (uint32_t)in->offset, (uint32_t)in->length)
                            : ERR_CANCELLED;
    stack_file_release(&net.stack, &file->file);
    if (error == ERR_OK)
        out->count = in->length;
    return error;
}

// --- another build
error_t files_give(struct handover *handover) {
    error_t error = ERR_OK;
    for (const struct net_file *file = net.files; file != NULL && error == ERR_OK; file = file->next) {
        const struct file_record record = {.memory = file->memory, .buffer = file->buffer, .bit = file->link->bit};
        error = handover_put(handover, NET_CLASS_FILE, VERSION, file->memory, &record, sizeof(record));
    }
    return error;
}

error_t files_take(const struct handover *handover) {
    struct handover_view view = {0};
    struct file_record record;
    while (handover_next(handover, NET_CLASS_FILE, &view) == ERR_OK) {
        error_t error = handover_read(&view, VERSION, &record, sizeof(record));
        if (error != ERR_OK)
            return error;
        if (record.bit - BIT_LINK >= LINKS_MAX || net.links[record.bit - BIT_LINK].interface == NULL)
            return ERR_CORRUPT;
        struct net_file *file = calloc(1, sizeof(*file));
        if (file == NULL)
            return ERR_NO_MEMORY;
        *file = (struct net_file){.next = net.files,
                                  .link = &net.links[record.bit - BIT_LINK],
                                  .memory = (cap_t)record.memory,
                                  .buffer = record.buffer,
                                  .returned = true};
        net.files = file;
        handover_claim(file->memory);
    }
    return ERR_OK;
}
