// Options of sockets: enum socket_option of socket.idl.
#include "servers/net/stack/tcp.h"
#include "servers/net/state.h"

error_t net_get_option(struct request *request, const struct socket_get_option_in *in, struct socket_get_option_out *out) {
    struct session *session = session_find(request->badge);
    struct socket *socket = session->socket;
    const struct socket_options *options = &socket->options;
    bool stream = socket->kind == SOCKET_STREAM;
    switch (in->option) {
    case SOCKET_OPTION_ERROR:
        out->value = (uint64_t) - (int64_t)stack_socket_take_error(socket);
        return ERR_OK;
    case SOCKET_OPTION_REUSE_ADDRESS:
        out->value = options->reuse_address;
        return ERR_OK;
    case SOCKET_OPTION_BROADCAST:
        out->value = options->broadcast;
        return ERR_OK;
    case SOCKET_OPTION_KEEP_ALIVE:
        out->value = options->keep_alive;
        return ERR_OK;
    case SOCKET_OPTION_NO_DELAY:
        out->value = options->no_delay;
        return ERR_OK;
    case SOCKET_OPTION_ONLY_IPV6:
        out->value = options->only_v6;
        return ERR_OK;
    case SOCKET_OPTION_HOPS:
        out->value = options->hops != 0 ? options->hops : IP_HOPS_DEFAULT;
        return ERR_OK;
    case SOCKET_OPTION_GROUP_HOPS:
        out->value = options->group_hops;
        return ERR_OK;
    case SOCKET_OPTION_TRAFFIC_CLASS:
        out->value = options->traffic_class;
        return ERR_OK;
    case SOCKET_OPTION_SEND_BYTES:
        out->value = options->send_limit;
        return ERR_OK;
    case SOCKET_OPTION_RECEIVE_BYTES:
        out->value = options->receive_limit;
        return ERR_OK;
    case SOCKET_OPTION_KEEP_IDLE:
        out->value = options->keep_idle;
        return ERR_OK;
    case SOCKET_OPTION_KEEP_INTERVAL:
        out->value = options->keep_interval;
        return ERR_OK;
    case SOCKET_OPTION_KEEP_COUNT:
        out->value = options->keep_count;
        return ERR_OK;
    case SOCKET_OPTION_LINGER:
        out->value = options->linger;
        return ERR_OK;
    case SOCKET_OPTION_USER_TIMEOUT:
        out->value = options->user_timeout;
        return ERR_OK;
    case SOCKET_OPTION_RECEIVE_TIMEOUT:
        out->value = session->receive_timeout;
        return ERR_OK;
    case SOCKET_OPTION_SEND_TIMEOUT:
        out->value = session->send_timeout;
        return ERR_OK;
    case SOCKET_OPTION_TYPE:
        out->value = socket->kind;
        return ERR_OK;
    case SOCKET_OPTION_FAMILY:
        out->value = address_to_family(socket);
        return ERR_OK;
    case SOCKET_OPTION_LISTENING:
        out->value = stream && tcp_is_listening(socket);
        return ERR_OK;
    case SOCKET_OPTION_BYTES_READY:
        out->value = stack_socket_bytes_ready(socket);
        return ERR_OK;
    case SOCKET_OPTION_BYTES_UNSENT:
        out->value = stack_socket_bytes_unsent(socket);
        return ERR_OK;
    case SOCKET_OPTION_DO_NOT_FRAGMENT:
        out->value = options->dont_fragment;
        return ERR_OK;
    case SOCKET_OPTION_LOW_WATER:
        out->value = options->low_water;
        return ERR_OK;
    case SOCKET_OPTION_SEGMENT_BYTES:
        out->value = stream ? tcp_of(socket)->mss : 0;
        return ERR_OK;
    case SOCKET_OPTION_PROTOCOL:
        out->value = socket->protocol;
        return ERR_OK;
    case SOCKET_OPTION_INTERFACE:
        out->value = socket->local.interface;
        return ERR_OK;
    case SOCKET_OPTION_GROUP_LOOP:
        out->value = options->group_loop;
        return ERR_OK;
    case SOCKET_OPTION_FILE_BYTES:
        out->value = stream && tcp_card(tcp_of(socket)) != NULL ? FILE_BYTES_MOST : 0;
        return ERR_OK;
    default:
        return ERR_INVALID;
    }
}

static error_t set_keep(struct socket *socket, uint64_t option, uint32_t value) {
    if (value == 0 || value > 32767)
        return ERR_INVALID;
    if (option == SOCKET_OPTION_KEEP_IDLE)
        socket->options.keep_idle = value;
    else if (option == SOCKET_OPTION_KEEP_INTERVAL)
        socket->options.keep_interval = value;
    else
        socket->options.keep_count = value;
    return ERR_OK;
}

static error_t set_number(struct session *session, uint64_t option, uint64_t value) {
    struct socket *socket = session->socket;
    struct socket_options *options = &socket->options;
    uint32_t number = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    switch (option) {
    case SOCKET_OPTION_SEND_BYTES:
        stack_socket_set_limits(socket, number, options->receive_limit);
        return ERR_OK;
    case SOCKET_OPTION_RECEIVE_BYTES:
        stack_socket_set_limits(socket, options->send_limit, number);
        return ERR_OK;
    case SOCKET_OPTION_LINGER:
        options->linger = number;
        return ERR_OK;
    case SOCKET_OPTION_USER_TIMEOUT:
        options->user_timeout = number;
        return ERR_OK;
    case SOCKET_OPTION_RECEIVE_TIMEOUT:
        session->receive_timeout = value;
        return ERR_OK;
    case SOCKET_OPTION_SEND_TIMEOUT:
        session->send_timeout = value;
        return ERR_OK;
    case SOCKET_OPTION_LOW_WATER:
        options->low_water = number;
        return ERR_OK;
    case SOCKET_OPTION_INTERFACE:
        if (number != 0 && interface_find(socket->stack, number) == NULL)
            return ERR_NO_DEVICE;
        socket->local.interface = number;
        return ERR_OK;
    case SOCKET_OPTION_HOPS:
    case SOCKET_OPTION_GROUP_HOPS:
    case SOCKET_OPTION_TRAFFIC_CLASS:
        if (value > UINT8_MAX)
            return ERR_INVALID;
        *(option == SOCKET_OPTION_HOPS         ? &options->hops
          : option == SOCKET_OPTION_GROUP_HOPS ? &options->group_hops
                                               : &options->traffic_class) = (uint8_t)value;
        return ERR_OK;
    default:
        return ERR_INVALID;
    }
}

error_t net_set_option(struct request *request, const struct socket_set_option_in *in, struct socket_set_option_out *out) {
    (void)out;
    struct session *session = session_find(request->badge);
    struct socket *socket = session->socket;
    struct socket_options *options = &socket->options;
    bool on = in->value != 0;
    switch (in->option) {
    case SOCKET_OPTION_REUSE_ADDRESS:
        options->reuse_address = on;
        return ERR_OK;
    case SOCKET_OPTION_BROADCAST:
        options->broadcast = on;
        return ERR_OK;
    case SOCKET_OPTION_KEEP_ALIVE:
        options->keep_alive = on;
        if (socket->kind == SOCKET_STREAM)
            tcp_set_keep_alive(tcp_of(socket));
        return ERR_OK;
    case SOCKET_OPTION_NO_DELAY:
        options->no_delay = on;
        if (socket->kind == SOCKET_STREAM && on)
            tcp_output(tcp_of(socket));
        return ERR_OK;
    case SOCKET_OPTION_ONLY_IPV6:
        if (!socket->v6 || socket->is_bound)
            return ERR_INVALID;
        options->only_v6 = on;
        return ERR_OK;
    case SOCKET_OPTION_DO_NOT_FRAGMENT:
        options->dont_fragment = on;
        return ERR_OK;
    case SOCKET_OPTION_GROUP_LOOP:
        options->group_loop = on;
        return ERR_OK;
    case SOCKET_OPTION_KEEP_IDLE:
    case SOCKET_OPTION_KEEP_INTERVAL:
    case SOCKET_OPTION_KEEP_COUNT: {
        error_t error = set_keep(socket, in->option, in->value < UINT32_MAX ? (uint32_t)in->value : 0);
        if (error == ERR_OK && socket->kind == SOCKET_STREAM)
            tcp_set_keep_alive(tcp_of(socket));
        return error;
    }
    default:
        return set_number(session, in->option, in->value);
    }
}
