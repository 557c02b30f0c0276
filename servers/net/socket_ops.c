// The protocol `socket`. connect and accept wait on their fibers; what moves bytes is in operation.c.
#include <errno.h>

#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "servers/net/operation.h"
#include "servers/net/stack/tcp.h"

static struct session *session_of(const struct request *request) {
    return session_find(request->badge);
}

// Lets others go on until the socket changes. Over loopback it may do so while this request's own frames go out.
static error_t wait_for_change(struct session *session, uint64_t deadline) {
    uint64_t before = session->changes;
    net_end();
    error_t error = ERR_OK;
    if (session->changes == before)
        error = deadline != 0 ? fiber_wait_until(&session->fibers, deadline) : fiber_wait(&session->fibers);
    net_begin();
    return error;
}

// There is no way to the peer. True: an interface may still get one, it is time to look again.
static bool may_settle(struct session *session, error_t error, bool waits) {
    if ((error != -ENETUNREACH && error != -ENETDOWN && error != -EADDRNOTAVAIL) || !waits ||
        !config_settles(session->socket->v6))
        return false;
    error = config_wait(session->socket->v6);
    return error == ERR_OK || error == ERR_DEADLINE;
}

static error_t connect_result(struct socket *socket) {
    const struct tcp *tcp = tcp_of(socket);
    if (socket->error != ERR_OK)
        return stack_socket_take_error(socket);
    if (tcp->state == TCP_SYN_SENT || tcp->state == TCP_SYN_RECEIVED)
        return ERR_IN_PROGRESS;
    return tcp->state == TCP_CLOSED && !tcp->fin_received ? -ECONNREFUSED : ERR_OK;
}

// The request was begun by an actor before: what became of it is to be told, nothing is to be begun.
static bool comes_again(const struct session *session, const struct request *request) {
    const struct request_part *part = &session->parts[PART_CONNECT];
    return part->thread != 0 && part->thread == request->number_thread && part->count == request->number_count;
}

static error_t handle_connect(struct request *request, const struct socket_connect_in *in, struct socket_connect_out *out) {
    (void)out;
    struct session *session = session_of(request);
    struct socket_name peer;
    struct address any = session->socket->v6 ? address_unspecified : address_v4_unspecified;
    error_t error = address_from_message(&in->peer, &peer);
    if (in->peer.family == 0)
        peer = (struct socket_name){.address = any}; // POSIX: AF_UNSPEC takes the peer away
    bool waits = (session->flags & FILE_FLAG_NON_BLOCKING) == 0;
    if (error != ERR_OK)
        return error;
    if (comes_again(session, request)) {
        error = ERR_IN_PROGRESS;
    } else {
        do
            error = stack_socket_connect(session->socket, &peer);
        while (may_settle(session, error, waits));
    }
    if ((error != ERR_IN_PROGRESS && error != -EALREADY) || !waits)
        return error;
    session->parts[PART_CONNECT] = (struct request_part){request->number_thread, request->number_count, 0};
    uint64_t deadline = session->send_timeout != 0 ? clock_monotonic() + session->send_timeout : 0;
    while ((error = connect_result(session->socket)) == ERR_IN_PROGRESS) {
        error = wait_for_change(session, deadline);
        if (error == ERR_DEADLINE)
            return ERR_IN_PROGRESS;
        if (error != ERR_OK)
            return error;
    }
    return error;
}

static error_t handle_bind(struct request *request, const struct socket_bind_in *in, struct socket_bind_out *out) {
    (void)out;
    struct socket_name name;
    error_t error = address_from_message(&in->name, &name);
    return error != ERR_OK ? error : stack_socket_bind(session_of(request)->socket, &name);
}

static error_t handle_listen(struct request *request, const struct socket_listen_in *in, struct socket_listen_out *out) {
    (void)out;
    return stack_socket_listen(session_of(request)->socket,
                               in->backlog < SOCKET_BACKLOG_MAX ? (uint32_t)in->backlog : SOCKET_BACKLOG_MAX);
}

static error_t handle_accept(struct request *request, const struct socket_accept_in *in, struct socket_accept_out *out) {
    struct session *session = session_of(request);
    struct socket *made;
    error_t error;
    if ((in->flags & ~(uint64_t)FILE_FLAG_NON_BLOCKING) != 0)
        return ERR_INVALID;
    uint64_t deadline = session->receive_timeout != 0 ? clock_monotonic() + session->receive_timeout : 0;
    while ((error = stack_socket_accept(session->socket, &made)) == ERR_AGAIN && (session->flags & FILE_FLAG_NON_BLOCKING) == 0) {
        error = wait_for_change(session, deadline);
        if (error != ERR_OK)
            return error == ERR_DEADLINE ? ERR_AGAIN : error;
    }
    if (error != ERR_OK)
        return error;
    error = session_make(made, in->flags, &out->socket);
    if (error != ERR_OK) {
        stack_socket_close(made);
        return error;
    }
    out->peer = address_to_message(&made->remote, made);
    return ERR_OK;
}

static error_t handle_shutdown(struct request *request, const struct socket_shutdown_in *in, struct socket_shutdown_out *out) {
    (void)out;
    if (in->sides == 0 || (in->sides & ~(uint64_t)(SOCKET_SIDE_READ | SOCKET_SIDE_WRITE)) != 0)
        return ERR_INVALID;
    return stack_socket_shutdown(session_of(request)->socket, (uint32_t)in->sides);
}

static error_t handle_name(struct request *request, const struct socket_name_in *in, struct socket_name_out *out) {
    (void)in;
    const struct socket *socket = session_of(request)->socket;
    out->name = address_to_message(&socket->local, socket);
    return ERR_OK;
}

static error_t handle_peer(struct request *request, const struct socket_peer_in *in, struct socket_peer_out *out) {
    (void)in;
    const struct socket *socket = session_of(request)->socket;
    if (!socket->connected || (socket->kind == SOCKET_STREAM && !tcp_is_connected(socket)))
        return -ENOTCONN;
    out->peer = address_to_message(&socket->remote, socket);
    return ERR_OK;
}

static error_t send_when_settled(struct session *session, struct request *request, struct operation *operation) {
    error_t error;
    do
        error = operation_begin(session, request, operation);
    while (may_settle(session, error, operation->waits));
    return error;
}

static error_t handle_send_to(struct request *request, const struct socket_send_to_in *in, struct socket_send_to_out *out) {
    struct session *session = session_of(request);
    struct operation operation = {.kind = OPERATION_SEND, .length = in->data_size, .flags = in->flags, .to = in->to};
    error_t error = send_when_settled(session, request, &operation);
    out->count = operation.done;
    return error;
}

static error_t handle_receive_from(struct request *request, const struct socket_receive_from_in *in,
                                   struct socket_receive_from_out *out) {
    struct session *session = session_of(request);
    struct operation operation = {.kind = OPERATION_RECEIVE, .length = in->data_size, .flags = in->flags};
    error_t error = operation_begin(session, request, &operation);
    out->from = operation.from;
    out->count = operation.done;
    out->whole = operation.whole;
    out->ready = stack_socket_readiness(session->socket);
    poll_list_wait(&session->polls, out->ready);
    return error;
}

static error_t handle_send_many(struct request *request, const struct socket_send_many_in *in, struct socket_send_many_out *out) {
    struct session *session = session_of(request);
    struct operation operation = {.kind = OPERATION_SEND_MANY, .length = in->data_size, .flags = in->flags, .places = in->count};
    error_t error = send_when_settled(session, request, &operation);
    out->done = operation.done;
    return error;
}

static error_t handle_receive_many(struct request *request, const struct socket_receive_many_in *in,
                                   struct socket_receive_many_out *out) {
    struct session *session = session_of(request);
    struct operation operation = {.kind = OPERATION_RECEIVE_MANY, .length = in->data_size, .flags = in->flags};
    operation.places = in->places;
    operation.room = in->room;
    error_t error = operation_begin(session, request, &operation);
    out->count = operation.done;
    out->more = operation.more;
    out->ready = stack_socket_readiness(session->socket);
    poll_list_wait(&session->polls, out->ready);
    return error;
}

static struct address group_of(const struct socket_address *group) {
    return address_from_bytes(group->address);
}

static error_t handle_join(struct request *request, const struct socket_join_group_in *in, struct socket_join_group_out *out) {
    (void)out;
    struct address group = group_of(&in->group);
    return stack_socket_join(session_of(request)->socket, &group, in->group.interface);
}

static error_t handle_leave(struct request *request, const struct socket_leave_group_in *in, struct socket_leave_group_out *out) {
    (void)out;
    struct address group = group_of(&in->group);
    return stack_socket_leave(session_of(request)->socket, &group, in->group.interface);
}

const struct socket_ops net_socket_ops = {
    .connect = handle_connect,
    .bind = handle_bind,
    .listen = handle_listen,
    .accept = handle_accept,
    .shutdown = handle_shutdown,
    .name = handle_name,
    .peer = handle_peer,
    .send_to = handle_send_to,
    .receive_from = handle_receive_from,
    .send_many = handle_send_many,
    .receive_many = handle_receive_many,
    .get_option = net_get_option,
    .set_option = net_set_option,
    .send_file = net_send_file,
    .join_group = handle_join,
    .leave_group = handle_leave,
};
