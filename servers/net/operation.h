// A request that moves bytes: what it wants, and how far it is. Used by socket_ops.c, which begins them, and
// wait.c, which goes on with them.
#pragma once

#include "servers/net/state.h"

enum operation_kind { OPERATION_READ, OPERATION_RECEIVE, OPERATION_WRITE, OPERATION_SEND };

struct operation {
    enum operation_kind kind;
    uint64_t length, done;
    uint64_t flags; // enum socket_message_flag
    struct socket_address to;
    // Answers of a receive_from.
    struct socket_address from;
    uint64_t whole;
};

static inline enum session_part operation_part(const struct operation *operation) {
    return operation->kind == OPERATION_READ || operation->kind == OPERATION_RECEIVE ? PART_READ : PART_WRITE;
}

// Goes on with it. ERR_AGAIN: not finished yet; done tells how far it is.
MUST_USE error_t operation_try(struct session *session, const struct mover *mover, struct operation *operation);

struct socket_address address_to_message(const struct socket_name *name, const struct socket *socket);
MUST_USE error_t address_from_message(const struct socket_address *address, struct socket_name *name);
