// Several datagrams in one request (libipc/transfer/datagrams.h). Messages are put together in a buffer of their own, which is
// lent: so their parts and places are nobody else's matter.
#include "libipc/transfer/datagrams.h"

#include <stdlib.h>
#include <string.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libc/system/socket_layer.h"

enum { ROOM_MOST = 64 * 1024 /* of a datagram */ };

// The bytes that a message has or has room for; more than ROOM_MOST: too many.
static size_t bytes_of(const struct msghdr *message) {
    size_t total = 0;
    for (size_t i = 0; i < message->msg_iovlen && total <= ROOM_MOST; i++) {
        size_t part = message->msg_iov[i].iov_len;
        total += part <= ROOM_MOST ? part : ROOM_MOST + 1;
    }
    return total;
}

// --- sending

// How many of the first messages go together.
static size_t messages_that_fit(const struct mmsghdr *messages, size_t count) {
    uint64_t bytes = 0;
    size_t fit = 0;
    while (fit < count && fit < DATAGRAMS_MOST && messages[fit].msg_hdr.msg_controllen == 0) {
        size_t length = bytes_of(&messages[fit].msg_hdr);
        bytes = datagrams_behind(bytes, length);
        if (length > ROOM_MOST || datagrams_table(fit + 1) + bytes > SOCKET_SEND_MANY_DATA_MAX)
            break;
        fit++;
    }
    return fit;
}

static void gather(const struct msghdr *message, uint8_t *to) {
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        memcpy(to, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        to += message->msg_iov[i].iov_len;
    }
}

// *size: bytes of the buffer that are used.
static error_t messages_pack(uint8_t *buffer, const struct mmsghdr *messages, size_t count, uint64_t *size) {
    struct socket_datagram *table = (void *)buffer;
    uint64_t at = datagrams_table(count);
    *size = at;
    for (size_t i = 0; i < count; i++) {
        const struct msghdr *message = &messages[i].msg_hdr;
        table[i] = (struct socket_datagram){.length = (uint32_t)bytes_of(message)};
        if (message->msg_name != NULL) {
            error_t error = layer_address_pack(message->msg_name, message->msg_namelen, &table[i].peer);
            if (error != ERR_OK)
                return error;
        }
        gather(message, buffer + at);
        *size = at + table[i].length;
        at = datagrams_behind(at, table[i].length);
    }
    return ERR_OK;
}

static error_t send_packed(int fd, const uint8_t *buffer, uint64_t size, size_t count, int flags, uint64_t *sent) {
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error != ERR_OK)
        return error;
    do
        error = socket_send_many(session, count, layer_message_flags(flags), buffer, size, sent);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    return error == ERR_BAD_METHOD ? ERR_NOT_SUPPORTED : error; // who sends it by itself is told why
}

error_t system_socket_send_many(int fd, struct mmsghdr *messages, size_t count, int flags, size_t *tried, size_t *done) {
    size_t fit = messages_that_fit(messages, count);
    uint64_t size, sent = 0;
    uint8_t *buffer = fit > 1 ? malloc(SOCKET_SEND_MANY_DATA_MAX) : NULL;
    *tried = fit;
    if (buffer == NULL)
        return ERR_NOT_SUPPORTED;
    error_t error = messages_pack(buffer, messages, fit, &size);
    error = error == ERR_OK ? send_packed(fd, buffer, size, fit, flags, &sent) : ERR_NOT_SUPPORTED; // up to that address
    free(buffer);
    if (error != ERR_OK)
        return error;
    *done = sent < fit ? sent : fit;
    for (size_t i = 0; i < *done; i++)
        messages[i].msg_len = (unsigned)bytes_of(&messages[i].msg_hdr);
    return ERR_OK;
}

// --- receiving

// How many of the first messages are received into together, the room for each, and the buffer's size.
static size_t places_for(const struct mmsghdr *messages, size_t count, uint64_t *room, uint64_t *size) {
    size_t places = 0;
    uint64_t bytes = 0;
    *room = 0;
    while (places < count && places < DATAGRAMS_MOST) {
        size_t length = bytes_of(&messages[places].msg_hdr);
        length = length <= ROOM_MOST ? length : ROOM_MOST;
        *room = length > *room ? length : *room;
        bytes = datagrams_behind(bytes, length);
        places++;
    }
    bytes = bytes > *room ? bytes : *room; // what is small may come first into a message with much room
    *size = datagrams_table(places) + bytes;
    *size = *size < SOCKET_RECEIVE_MANY_DATA_MAX ? *size : SOCKET_RECEIVE_MANY_DATA_MAX;
    return places;
}

static size_t scatter(const struct msghdr *message, const uint8_t *bytes, size_t length) {
    size_t at = 0;
    for (size_t i = 0; i < message->msg_iovlen && at < length; i++) {
        size_t part = length - at < message->msg_iov[i].iov_len ? length - at : message->msg_iov[i].iov_len;
        memcpy(message->msg_iov[i].iov_base, bytes + at, part);
        at += part;
    }
    return at;
}

static void messages_unpack(const uint8_t *buffer, size_t places, size_t count, struct mmsghdr *messages, int flags) {
    const struct socket_datagram *table = (const void *)buffer;
    uint64_t at = datagrams_table(places);
    for (size_t i = 0; i < count; i++) {
        struct msghdr *message = &messages[i].msg_hdr;
        size_t length = scatter(message, buffer + at, table[i].length);
        messages[i].msg_len = (flags & MSG_TRUNC) != 0 ? table[i].whole : (unsigned)length;
        if (table[i].peer.family != 0)
            layer_address_unpack(&table[i].peer, message->msg_name, message->msg_name != NULL ? &message->msg_namelen : NULL);
        else
            message->msg_namelen = 0;
        message->msg_controllen = 0;
        message->msg_flags = table[i].whole > length ? MSG_TRUNC : 0;
        at = datagrams_behind(at, table[i].length);
    }
}

error_t system_socket_receive_many(int fd, struct mmsghdr *messages, size_t count, int flags, size_t *done, bool *more) {
    uint64_t room, size, got = 0, further = 0, ready = 0;
    size_t places = places_for(messages, count, &room, &size);
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error != ERR_OK)
        return error;
    uint8_t *buffer = places > 1 && (flags & MSG_PEEK) == 0 ? malloc(size) : NULL; // a look at the same one again and again
    if (buffer == NULL)
        return ERR_NOT_SUPPORTED;
    do
        error = socket_receive_many(session, places, room, layer_message_flags(flags), buffer, size, &got, &further, &ready);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    if (error == ERR_OK && !datagrams_fit(buffer, size, places, got))
        error = ERR_PROTOCOL;
    if (error == ERR_OK) {
        layer_poll_received(fd, ready);
        messages_unpack(buffer, places, got, messages, flags);
        *done = got;
        *more = further != 0;
    }
    free(buffer);
    return error == ERR_BAD_METHOD ? ERR_NOT_SUPPORTED : error;
}
