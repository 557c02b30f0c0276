// The bytes of a stream as their reader and writer see them: RFC 9293 section 3.10.2 (SEND) and 3.10.3
// (RECEIVE). Memory is handed out in place, so that a copy from or to the program is the only one.
#include <errno.h>

#include "servers/net/stack/tcp.h"

// Whether more can be taken to be sent now.
static error_t may_write(struct socket *socket) {
    const struct tcp *tcp = tcp_of(socket);
    if (socket->error != ERR_OK)
        return stack_socket_take_error(socket);
    if (socket->write_closed)
        return ERR_BROKEN_PIPE;
    if (tcp->state == TCP_SYN_SENT || tcp->state == TCP_SYN_RECEIVED)
        return ERR_AGAIN;
    if (tcp->state == TCP_CLOSED && socket->connected)
        return ERR_BROKEN_PIPE;
    if (tcp->state != TCP_ESTABLISHED && tcp->state != TCP_CLOSE_WAIT)
        return -ENOTCONN;
    return tcp->send.count < socket->options.send_limit ? ERR_OK : ERR_AGAIN;
}

error_t stack_socket_stream_room(struct socket *socket, uint32_t length, struct piece pieces[2], uint32_t *count) {
    struct tcp *tcp = tcp_of(socket);
    struct ring_buffer *bytes = &tcp->send.bytes;
    error_t error = may_write(socket);
    if (error != ERR_OK)
        return error;
    length = smaller(length, socket->options.send_limit - tcp->send.count);
    if (!ring_buffer_reserve(socket->stack, bytes, bytes->count + length)) {
        socket->stack->statistics.tcp_no_memory++;
        return tcp->send.count != 0 ? ERR_AGAIN : -ENOBUFS;
    }
    *count = ring_buffer_pieces(bytes, bytes->count, length, pieces);
    return ERR_OK;
}

error_t stack_socket_stream_card(struct socket *socket, const struct interface **interface) {
    const struct tcp *tcp = tcp_of(socket);
    error_t error = may_write(socket);
    *interface = error == ERR_OK ? tcp_card(tcp) : NULL;
    if (error == ERR_OK && (*interface == NULL || tcp->send.ranges == FILE_RANGES_MOST))
        return ERR_NOT_SUPPORTED;
    return error;
}

error_t stack_socket_stream_file(struct socket *socket, struct stack_file *file, uint32_t offset, uint32_t length) {
    struct tcp *tcp = tcp_of(socket);
    error_t error = may_write(socket);
    if (error == ERR_OK && !send_queue_add_file(socket->stack, &tcp->send, file, offset, length))
        error = ERR_NOT_SUPPORTED;
    if (error == ERR_OK)
        tcp_output(tcp);
    return error;
}

bool stack_socket_stream_room_is_noted(const struct socket *socket, uint32_t length) {
    const struct tcp *tcp = (const struct tcp *)socket;
    return ring_buffer_is_noted(socket->stack, &tcp->send.bytes, tcp->send.bytes.count, length);
}

void stack_socket_stream_written(struct socket *socket, uint32_t length) {
    struct tcp *tcp = tcp_of(socket);
    send_queue_written(&tcp->send, length);
    if (tcp->send.bytes.count == 0)
        ring_buffer_free(socket->stack, &tcp->send.bytes);
    tcp_output(tcp);
}

error_t stack_socket_stream_data(struct socket *socket, uint32_t skip, uint32_t length, struct piece pieces[2], uint32_t *count) {
    struct tcp *tcp = tcp_of(socket);
    *count = 0;
    if (socket->read_closed)
        return ERR_OK;
    if (tcp->receive.count > skip) {
        *count = ring_buffer_pieces(&tcp->receive, skip, smaller(length, tcp->receive.count - skip), pieces);
        return ERR_OK;
    }
    if (socket->error != ERR_OK)
        return stack_socket_take_error(socket);
    if (tcp->fin_received || (tcp->state == TCP_CLOSED && socket->connected))
        return ERR_OK;
    if (tcp->state == TCP_CLOSED || tcp->state == TCP_LISTEN)
        return -ENOTCONN;
    return ERR_AGAIN;
}

void stack_socket_stream_taken(struct socket *socket, uint32_t length) {
    struct tcp *tcp = tcp_of(socket);
    if (length == 0)
        return;
    ring_buffer_drop(socket->stack, &tcp->receive, length);
    if (tcp->receive.count == 0 && tcp->ahead_count == 0)
        ring_buffer_free(socket->stack, &tcp->receive);
    uint32_t read_to = tcp->rcv_nxt - tcp->fin_received - tcp->receive.count;
    tcp->urgent = tcp->urgent && sequence_before(read_to, tcp->rcv_up);
    if (tcp->state != TCP_ESTABLISHED && tcp->state != TCP_FIN_WAIT_1 && tcp->state != TCP_FIN_WAIT_2)
        return;
    // RFC 9293 section 3.8.6.2.2: tells of the window when it has grown by much.
    uint32_t grown = tcp_receive_window(tcp) - (tcp->rcv_adv - tcp->rcv_nxt);
    if (grown >= smaller(socket->options.receive_limit / 2, 4 * tcp->mss) || (grown != 0 && tcp->rcv_adv == tcp->rcv_nxt))
        tcp_send_ack(tcp);
}

uint32_t stack_socket_bytes_ready(const struct socket *socket) {
    if (socket->kind == SOCKET_STREAM)
        return ((const struct tcp *)socket)->receive.count;
    return socket->first != NULL ? socket->first->length : 0;
}

uint32_t stack_socket_bytes_unsent(const struct socket *socket) {
    return socket->kind == SOCKET_STREAM ? ((const struct tcp *)socket)->send.count : 0;
}
