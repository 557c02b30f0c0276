// Sockets as records; see records.h. What is special to streams is in tcp_records.c.
#include <stdlib.h>

#include "servers/net/stack/records.h"
#include "servers/net/stack/tcp.h"

enum { TAKEN_FIRST = 64, SOCKET_GROUPS = 4 };

// These lie in records as they are. Who changes one of them raises RECORDS_VERSION.
_Static_assert(sizeof(struct socket_options) == 44 && sizeof(struct socket_name) == 24, "the layout of records");

struct socket_record {
    uint8_t kind, v6, protocol, connected, is_bound, read_closed, write_closed, padding;
    int32_t error;
    struct socket_options options;
    struct socket_name local, remote;
    uint64_t dropped;
    uint32_t joined[SOCKET_GROUPS]; // interfaces; 0: none
    struct address groups[SOCKET_GROUPS];
};

struct datagram_record {
    struct socket_name from;
    struct address to;
    uint32_t interface, length;
    uint64_t time;
    uint8_t hops, outgoing, padding[6];
    uint8_t bytes[];
};

// --- giving
static error_t give_datagrams(const struct socket *socket, struct handover *handover, uint32_t number) {
    error_t error = ERR_OK;
    for (const struct datagram *at = socket->first; at != NULL && error == ERR_OK; at = at->next) {
        uint64_t length = sizeof(struct datagram_record) + at->length;
        struct datagram_record *record = malloc(length);
        if (record == NULL)
            return ERR_NO_MEMORY;
        *record = (struct datagram_record){.from = at->from,
                                           .to = at->to,
                                           .interface = at->interface,
                                           .length = at->length,
                                           .time = at->time,
                                           .hops = at->hops,
                                           .outgoing = at->outgoing};
        memcpy(record->bytes, at->bytes, at->length);
        error = handover_put(handover, CLASS_DATAGRAM, RECORDS_VERSION, number, record, length);
        free(record);
    }
    return error;
}

static error_t give(const struct socket *socket, struct handover *handover, uint32_t number, uint32_t listener) {
    struct socket_record record = {
        .kind = (uint8_t)socket->kind,
        .v6 = socket->v6,
        .protocol = socket->protocol,
        .connected = socket->connected,
        .is_bound = socket->is_bound,
        .read_closed = socket->read_closed,
        .write_closed = socket->write_closed,
        .error = socket->error,
        .options = socket->options,
        .local = socket->local,
        .remote = socket->remote,
        .dropped = socket->dropped,
    };
    for (uint32_t i = 0; i < SOCKET_GROUPS; i++)
        if (socket->joined[i] != NULL) {
            record.joined[i] = socket->joined[i]->index;
            record.groups[i] = socket->groups[i];
        }
    error_t error = handover_put(handover, CLASS_SOCKET, RECORDS_VERSION, number, &record, sizeof(record));
    if (error != ERR_OK)
        return error;
    return socket->kind == SOCKET_STREAM ? tcp_give(socket, handover, number, listener)
                                         : give_datagrams(socket, handover, number);
}

error_t stack_socket_give(struct socket *socket, struct handover *handover, uint32_t *last, uint32_t *number) {
    *number = ++*last;
    error_t error = give(socket, handover, *number, 0);
    if (error != ERR_OK || socket->kind != SOCKET_STREAM || !tcp_is_listening(socket))
        return error;
    uint32_t listener = *number;
    for (struct tcp *at = tcp_of(socket)->accept_first; at != NULL && error == ERR_OK; at = at->accept_next)
        error = give(&at->socket, handover, ++*last, listener);
    for (uint32_t i = 0; i < CONNECTION_BUCKETS && tcp_of(socket)->half_open != 0; i++)
        for (struct tcp *at = socket->stack->connections[i]; at != NULL && error == ERR_OK; at = at->next)
            if (at->listener == tcp_of(socket) && at->state == TCP_SYN_RECEIVED)
                error = give(&at->socket, handover, ++*last, listener);
    return error;
}

error_t stack_orphans_give(struct stack *stack, struct handover *handover, uint32_t *last) {
    error_t error = ERR_OK;
    for (struct tcp *at = stack->time_wait_first; at != NULL && error == ERR_OK; at = at->old_next) // the oldest first
        if (at->orphan)
            error = give(&at->socket, handover, ++*last, 0);
    for (uint32_t i = 0; i < CONNECTION_BUCKETS; i++)
        for (struct tcp *at = stack->connections[i]; at != NULL && error == ERR_OK; at = at->next)
            if (at->orphan && at->state != TCP_TIME_WAIT)
                error = give(&at->socket, handover, ++*last, 0);
    return error;
}

// --- taking
static error_t taken_add(struct taken_sockets *taken, struct socket *socket) {
    if (taken->count == taken->capacity) {
        uint32_t capacity = taken->capacity == 0 ? TAKEN_FIRST : 2 * taken->capacity;
        struct socket **sockets = realloc(taken->sockets, capacity * sizeof(struct socket *));
        if (sockets == NULL)
            return ERR_NO_MEMORY;
        taken->sockets = sockets;
        taken->capacity = capacity;
    }
    taken->sockets[taken->count++] = socket;
    return ERR_OK;
}

struct socket *taken_find(const struct taken_sockets *taken, uint64_t number) {
    return number == 0 || number > taken->count ? NULL : taken->sockets[number - 1];
}

void taken_free(struct taken_sockets *taken) {
    free(taken->sockets);
    *taken = (struct taken_sockets){0};
}

static bool is_sound(const struct socket_record *record) {
    const struct socket_options *options = &record->options;
    return record->kind >= SOCKET_STREAM && record->kind <= SOCKET_PACKET && options->send_limit <= SOCKET_BUFFER_MAX &&
           options->receive_limit <= SOCKET_BUFFER_MAX;
}

static error_t take_groups(struct socket *socket, const struct socket_record *record) {
    for (uint32_t i = 0; i < SOCKET_GROUPS; i++) {
        if (record->joined[i] == 0)
            continue;
        socket->joined[i] = interface_find(socket->stack, record->joined[i]);
        socket->groups[i] = record->groups[i];
        if (socket->joined[i] == NULL)
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

static error_t take(struct stack *stack, const struct socket_record *record, struct taken_sockets *taken) {
    struct socket *socket;
    if (!is_sound(record))
        return ERR_CORRUPT;
    socket = stack_allocate(stack, record->kind == SOCKET_STREAM ? sizeof(struct tcp) : sizeof(struct socket));
    error_t error = socket != NULL ? taken_add(taken, socket) : ERR_NO_MEMORY;
    if (error != ERR_OK)
        return error;
    socket->stack = stack;
    socket->kind = (enum socket_kind)record->kind;
    socket->v6 = record->v6;
    socket->protocol = record->protocol;
    socket->connected = record->connected;
    socket->read_closed = record->read_closed;
    socket->write_closed = record->write_closed;
    socket->error = record->error;
    socket->options = record->options;
    socket->local = record->local;
    socket->remote = record->remote;
    socket->dropped = record->dropped;
    if (record->is_bound)
        socket_enter(socket);
    return take_groups(socket, record);
}

static error_t take_datagrams(const struct handover *handover, const struct taken_sockets *taken) {
    struct handover_view view = {0};
    struct datagram_record record;
    while (handover_next(handover, CLASS_DATAGRAM, &view) == ERR_OK) {
        struct socket *socket = taken_find(taken, view.view.key);
        error_t error = handover_read(&view, RECORDS_VERSION, &record, sizeof(record));
        if (error != ERR_OK)
            return error;
        if (socket == NULL || socket->kind == SOCKET_STREAM || record.length != view.view.length - sizeof(record))
            return ERR_CORRUPT;
        struct datagram head = {.from = record.from, .to = record.to, .interface = record.interface};
        head.hops = record.hops;
        head.outgoing = record.outgoing;
        struct piece piece = {.data = (const uint8_t *)view.view.data + sizeof(record), .length = record.length};
        if (!socket_queue(socket, &head, &piece, 1))
            return ERR_NO_MEMORY;
        socket->last->time = record.time;
    }
    return ERR_OK;
}

error_t stack_sockets_take(struct stack *stack, const struct handover *handover, struct taken_sockets *taken) {
    struct handover_view view = {0};
    struct socket_record record;
    while (handover_next(handover, CLASS_SOCKET, &view) == ERR_OK) {
        error_t error = handover_read(&view, RECORDS_VERSION, &record, sizeof(record));
        if (error == ERR_OK)
            error = view.view.key == taken->count + 1 ? take(stack, &record, taken) : ERR_CORRUPT;
        if (error != ERR_OK)
            return error;
    }
    error_t error = take_datagrams(handover, taken);
    return error == ERR_OK ? tcp_records_take(handover, taken) : error;
}
