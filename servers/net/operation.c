// See operation.h. Bytes are copied straight between the caller and the socket's buffers; nothing is taken or
// given before its copy has succeeded.
#include "servers/net/operation.h"

#include <errno.h>
#include <string.h>

error_t mover_copy_out(const struct mover *mover, uint64_t offset, const void *from, uint64_t length) {
    return mover->request != NULL ? request_copy_out(mover->request, offset, from, length)
                                  : deferred_copy_out(mover->deferred, offset, from, length);
}

error_t mover_copy_in_unnoted(const struct mover *mover, uint64_t offset, void *to, uint64_t length) {
    return mover->request != NULL ? request_copy_in_unnoted(mover->request, offset, to, length)
                                  : deferred_copy_in_unnoted(mover->deferred, offset, to, length);
}

static error_t copy_in(const struct mover *mover, uint64_t offset, void *to, uint64_t length) {
    return mover->request != NULL ? request_copy_in(mover->request, offset, to, length)
                                  : deferred_copy_in(mover->deferred, offset, to, length);
}

uint32_t address_to_family(const struct socket *socket) {
    if (socket->kind == SOCKET_PACKET)
        return SOCKET_FAMILY_PACKET;
    return socket->v6 ? SOCKET_FAMILY_IPV6 : SOCKET_FAMILY_IPV4;
}

struct socket_address address_to_message(const struct socket_name *name, const struct socket *socket) {
    struct socket_address address = {.interface = name->interface, .port = name->port};
    address.family = (uint16_t)address_to_family(socket);
    memcpy(address.address, name->address.bytes, ADDRESS_BYTES);
    return address;
}

error_t address_from_message(const struct socket_address *address, struct socket_name *name) {
    *name = (struct socket_name){
        .address = address_from_bytes(address->address), .port = address->port, .interface = address->interface};
    if (address->family == SOCKET_FAMILY_IPV4 && !address_is_v4(&name->address))
        return ERR_INVALID;
    return ERR_OK;
}

static error_t stream_read(struct session *session, const struct mover *mover, struct operation *operation) {
    struct piece pieces[2];
    uint32_t count, total = 0;
    bool peek = (operation->flags & SOCKET_MESSAGE_FLAG_PEEK) != 0;
    uint64_t left = operation->length - operation->done;
    if (operation->length == 0)
        return ERR_OK;
    error_t error = stack_socket_stream_data(session->socket, 0, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX, pieces, &count);
    if (error != ERR_OK)
        return error;
    for (uint32_t i = 0; i < count; i++) {
        error = mover_copy_out(mover, operation->done + total, pieces[i].data, pieces[i].length);
        if (error != ERR_OK)
            return error;
        total += pieces[i].length;
    }
    if (!peek)
        stack_socket_stream_taken(session->socket, total);
    operation->done += total;
    operation->whole = operation->done;
    bool all = (operation->flags & SOCKET_MESSAGE_FLAG_WAIT_ALL) != 0 && !peek;
    return all && total != 0 && operation->done < operation->length ? ERR_AGAIN : ERR_OK;
}

error_t datagrams_absent(struct socket *socket) {
    if (socket->error != ERR_OK)
        return stack_socket_take_error(socket);
    return socket->read_closed ? ERR_OK : ERR_AGAIN;
}

struct socket_address datagram_from(const struct datagram *datagram, const struct socket *socket) {
    struct socket_address from = address_to_message(&datagram->from, socket);
    if (socket->kind == SOCKET_PACKET) { // which card, and whether it was sent
        from.interface = datagram->interface;
        from.port = datagram->outgoing;
    }
    return from;
}

static error_t datagram_read(struct session *session, const struct mover *mover, struct operation *operation) {
    struct socket *socket = session->socket;
    const struct datagram *datagram = stack_socket_peek(socket);
    if (datagram == NULL)
        return datagrams_absent(socket);
    uint64_t length = datagram->length < operation->length ? datagram->length : operation->length;
    error_t error = mover_copy_out(mover, 0, datagram->bytes, length);
    if (error != ERR_OK)
        return error;
    operation->from = datagram_from(datagram, socket);
    operation->whole = datagram->length;
    operation->done = length;
    if ((operation->flags & SOCKET_MESSAGE_FLAG_PEEK) == 0)
        stack_socket_drop(socket);
    return ERR_OK;
}

static error_t stream_write(struct session *session, const struct mover *mover, struct operation *operation) {
    while (operation->done < operation->length) {
        struct piece pieces[2];
        uint32_t count, total = 0;
        uint64_t left = operation->length - operation->done;
        error_t error =
            stack_socket_stream_room(session->socket, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX, pieces, &count);
        uint32_t room = error != ERR_OK ? 0 : pieces[0].length + (count > 1 ? pieces[1].length : 0);
        bool noted = stack_socket_stream_room_is_noted(session->socket, room);
        for (uint32_t i = 0; i < count && error == ERR_OK; i++) {
            void *to = (void *)(uintptr_t)pieces[i].data; // NOLINT
            error = (noted ? copy_in : mover_copy_in_unnoted)(mover, operation->done + total, to, pieces[i].length);
            total += pieces[i].length;
        }
        if (error != ERR_OK)
            return error;
        stack_socket_stream_written(session->socket, total);
        operation->done += total;
    }
    return ERR_OK;
}

error_t datagram_send(struct session *session, const struct operation *operation, const struct socket_name *to, const void *bytes,
                      uint32_t length) {
    uint64_t dropped = net.stack.statistics.frames_no_room;
    error_t error = stack_socket_send(session->socket, to, bytes, length);
    if (error != ERR_OK || net.stack.statistics.frames_no_room == dropped || !operation->waits)
        return error;
    net.senders_wait = true;
    return ERR_AGAIN;
}

static error_t datagram_write(struct session *session, const struct mover *mover, struct operation *operation) {
    struct socket_name to;
    bool named = operation->to.family != 0;
    if (operation->length > DATAGRAM_MOST)
        return ERR_MESSAGE_SIZE;
    error_t error = named ? address_from_message(&operation->to, &to) : ERR_OK;
    if (error == ERR_OK)
        error = copy_in(mover, 0, net.scratch, operation->length);
    if (error == ERR_OK)
        error = datagram_send(session, operation, named ? &to : NULL, net.scratch, (uint32_t)operation->length);
    if (error == ERR_OK)
        operation->done = operation->length;
    return error;
}

error_t operation_try(struct session *session, const struct mover *mover, struct operation *operation) {
    bool stream = session->socket->kind == SOCKET_STREAM;
    switch (operation->kind) {
    case OPERATION_READ:
    case OPERATION_RECEIVE:
        return stream ? stream_read(session, mover, operation) : datagram_read(session, mover, operation);
    case OPERATION_RECEIVE_MANY:
        return stream ? ERR_NOT_SUPPORTED : datagrams_read(session, mover, operation);
    case OPERATION_SEND_MANY:
        return stream ? ERR_NOT_SUPPORTED : datagrams_write(session, mover, operation);
    default:
        return stream ? stream_write(session, mover, operation) : datagram_write(session, mover, operation);
    }
}
