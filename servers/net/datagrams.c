// Several datagrams by one request (libipc/transfer/datagrams.h): one change of the address space, one commit and one signal to
// the card's driver for all of them. Nothing is taken out of the socket before all of it has been copied to the caller; so a
// request that fails, or comes again after a kill, finds every datagram where it was. What the caller wrote is looked at in
// net.scratch, where he can't change it; that memory is not kept, and nothing in it outlives the request's turn.
#include "libipc/transfer/datagrams.h"

#include "servers/net/operation.h"

// A socket that was shut down: one datagram of nobody with nothing in it, as receive_from answers.
static error_t end_read(const struct mover *mover, struct operation *operation) {
    struct socket_datagram none = {0};
    error_t error = mover_copy_out(mover, 0, &none, sizeof(none));
    if (error == ERR_OK)
        operation->done = 1;
    return error;
}

error_t datagrams_read(struct session *session, const struct mover *mover, struct operation *operation) {
    struct socket *socket = session->socket;
    struct socket_datagram *table = (void *)net.scratch;
    uint64_t at = datagrams_table(operation->places), count = 0;
    if (operation->places == 0 || operation->places > DATAGRAMS_MOST || operation->room > DATAGRAM_MOST ||
        operation->length < at + operation->room)
        return ERR_INVALID;
    const struct datagram *datagram = stack_socket_peek(socket);
    if (datagram == NULL) {
        error_t error = datagrams_absent(socket);
        return error == ERR_OK ? end_read(mover, operation) : error;
    }
    for (; datagram != NULL && count < operation->places; datagram = datagram->next) {
        uint64_t length = datagram->length < operation->room ? datagram->length : operation->room;
        if (at > operation->length || length > operation->length - at)
            break;
        error_t error = mover_copy_out(mover, at, datagram->bytes, length);
        if (error != ERR_OK)
            return error;
        table[count++] = (struct socket_datagram){
            .peer = datagram_from(datagram, socket), .length = (uint32_t)length, .whole = datagram->length};
        at = datagrams_behind(at, length);
    }
    error_t error = mover_copy_out(mover, 0, table, datagrams_table(count));
    if (error != ERR_OK)
        return error;
    for (uint64_t i = 0; i < count; i++)
        stack_socket_drop(socket);
    operation->done = count;
    operation->more = stack_socket_peek(socket) != NULL;
    return ERR_OK;
}

static error_t send_one(struct session *session, const struct operation *operation, const struct socket_datagram *one,
                        const uint8_t *bytes) {
    struct socket_name to;
    bool named = one->peer.family != 0;
    error_t error = named ? address_from_message(&one->peer, &to) : ERR_OK;
    return error == ERR_OK ? datagram_send(session, operation, named ? &to : NULL, bytes, one->length) : error;
}

// Goes on behind those that were sent before it waited for room.
error_t datagrams_write(struct session *session, const struct mover *mover, struct operation *operation) {
    const struct socket_datagram *table = (const void *)net.scratch;
    uint64_t at = datagrams_table(operation->places);
    if (operation->places == 0 || operation->length > DATAGRAM_MOST)
        return ERR_INVALID;
    error_t error = mover_copy_in_unnoted(mover, 0, net.scratch, operation->length);
    if (error == ERR_OK && !datagrams_fit(net.scratch, operation->length, operation->places, operation->places))
        error = ERR_INVALID;
    for (uint64_t i = 0; error == ERR_OK && i < operation->places; i++) {
        if (i >= operation->done)
            error = send_one(session, operation, &table[i], net.scratch + at);
        at = datagrams_behind(at, table[i].length);
        operation->done += error == ERR_OK && i >= operation->done;
    }
    return error == ERR_AGAIN || operation->done == 0 ? error : ERR_OK;
}
