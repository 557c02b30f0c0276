// A request that moves bytes: what it wants, and how far it is. Used by socket_ops.c, which begins them, and
// wait.c, which goes on with them.
#pragma once

#include "servers/net/state.h"

enum operation_kind {
    OPERATION_READ,
    OPERATION_RECEIVE,
    OPERATION_RECEIVE_MANY,
    OPERATION_WRITE,
    OPERATION_SEND,
    OPERATION_SEND_MANY
};

struct operation {
    enum operation_kind kind;
    uint64_t length, done; // bytes; done of _MANY: datagrams
    uint64_t flags;        // enum socket_message_flag
    struct socket_address to;
    // Answers of a receive_from.
    struct socket_address from;
    uint64_t whole;
    // Of _MANY: places of the table, room for each, and whether more lie there.
    uint64_t places, room;
    bool more;
    bool waits; // what can't be done now
};

static inline enum session_part operation_part(const struct operation *operation) {
    return operation->kind <= OPERATION_RECEIVE_MANY ? PART_READ : PART_WRITE;
}

// Whether what can't be done now is waited for. flags: enum socket_message_flag.
static inline bool session_waits(const struct session *session, uint64_t flags) {
    return (session->flags & FILE_FLAG_NON_BLOCKING) == 0 && (flags & SOCKET_MESSAGE_FLAG_DO_NOT_WAIT) == 0;
}

// Goes on with it. ERR_AGAIN: not finished yet; done tells how far it is.
MUST_USE error_t operation_try(struct session *session, const struct mover *mover, struct operation *operation);

// Between the caller's lent buffer and own memory; copies in are not noted, and go to memory that is not kept.
MUST_USE error_t mover_copy_out(const struct mover *mover, uint64_t offset, const void *from, uint64_t length);
MUST_USE error_t mover_copy_in_unnoted(const struct mover *mover, uint64_t offset, void *to, uint64_t length);
// No datagram lies there: ERR_AGAIN, the pending error, or ERR_OK: none will come.
MUST_USE error_t datagrams_absent(struct socket *socket);
// Whom it came from, as receivers are told.
struct socket_address datagram_from(const struct datagram *datagram, const struct socket *socket);

// As stack_socket_send. What an operation that may wait sends is not lost for want of room to send frames: ERR_AGAIN.
MUST_USE error_t datagram_send(struct session *session, const struct operation *operation, const struct socket_name *to,
                               const void *bytes, uint32_t length);

// --- datagrams.c: as operation_try, of several datagrams
MUST_USE error_t datagrams_read(struct session *session, const struct mover *mover, struct operation *operation);
MUST_USE error_t datagrams_write(struct session *session, const struct mover *mover, struct operation *operation);

struct socket_address address_to_message(const struct socket_name *name, const struct socket *socket);
MUST_USE error_t address_from_message(const struct socket_address *address, struct socket_name *name);
