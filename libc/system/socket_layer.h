// What the two files of sockets share (socket.c, datagrams.c): descriptors, addresses and flags in the protocol's form.
#pragma once

#include <sys/socket.h>

#include "kernel/abi/errors.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/socket.h"

// The session behind a descriptor, which need not be a socket's.
error_t layer_socket(int fd, cap_t *session) MUST_USE;
// A file that is no socket does not know the protocol.
error_t layer_socket_error(error_t error) MUST_USE;

// `length` bytes of an address, as messages have it. ERR_INVALID, -EAFNOSUPPORT.
error_t layer_address_pack(const struct sockaddr *address, socklen_t length, struct socket_address *message) MUST_USE;
// *length: its room, then how long the address is; either may be null.
void layer_address_unpack(const struct socket_address *message, struct sockaddr *address, socklen_t *length);

uint64_t layer_message_flags(int flags);
