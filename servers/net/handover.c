// See handover.h: settings, leases, sessions. Requests that wait come again by their callers' stubs; what of them is done has its
// number here. Left behind: see stack/records.h.
#include "servers/net/handover.h"

#include <stdlib.h>
#include <string.h>

#include "servers/framework/heap_sessions.h"
#include "servers/net/operation.h"

enum { VERSION = 1, LOOPBACK_ROUNDS = 64 };

// This lies in a record as it is. Who changes it raises VERSION.
_Static_assert(sizeof(struct dhcp_lease) == 200, "the layout of records");

struct net_record {
    uint64_t settle_until;
    uint32_t configured, padding;
};

struct config_record {
    uint64_t started, step_at; // of DHCP; 0: its timer is not armed
    struct dhcp_lease lease;
    uint32_t dhcp_state, transaction, tries, applied, told;
    uint32_t lease_state, server_count;
    struct address servers[NAME_SERVERS_MAX];
};

struct session_record {
    uint64_t flags, receive_timeout, send_timeout;
    uint32_t socket, padding; // its number
    struct request_part parts[SESSION_PARTS];
};

// --- giving
static error_t give_config(uint32_t i, struct handover *handover) {
    const struct interface_config *config = &net.configs[i];
    const struct dhcp *dhcp = &config->dhcp;
    struct config_record record = {
        .started = dhcp->started,
        .step_at = timer_time(&dhcp->timer),
        .lease = dhcp->lease,
        .dhcp_state = dhcp->state,
        .transaction = dhcp->transaction,
        .tries = dhcp->tries,
        .applied = dhcp->applied,
        .told = dhcp->told,
        .lease_state = config->state,
        .server_count = config->server_count,
    };
    memcpy(record.servers, config->servers, sizeof(record.servers));
    return handover_put(handover, NET_CLASS_CONFIG, VERSION, i + 1, &record, sizeof(record));
}

static error_t give_configs(struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < net.setting_count && error == ERR_OK; i++)
        error = handover_put(handover, NET_CLASS_SETTING, VERSION, i, &net.settings[i], sizeof(net.settings[i]));
    for (uint32_t i = 0; i < INTERFACES_MAX && error == ERR_OK; i++)
        if (net.stack.interfaces[i].index != 0)
            error = give_config(i, handover);
    return error;
}

static error_t give_session(const struct session *session, struct handover *handover, uint32_t *last) {
    struct session_record record = {session->flags, session->receive_timeout, session->send_timeout, 0, 0, {{0}}};
    memcpy(record.parts, session->parts, sizeof(record.parts));
    for (const struct waiter *at = session->first; at != NULL; at = at->next)
        if (at->operation->done != 0)
            record.parts[operation_part(at->operation)] =
                (struct request_part){at->deferred.number_thread, at->deferred.number_count, at->operation->done};
    error_t error = stack_socket_give(session->socket, handover, last, &record.socket);
    if (error == ERR_OK)
        error = handover_put(handover, NET_CLASS_SESSION, VERSION, session->badge, &record, sizeof(record));
    return error == ERR_OK ? poll_list_give(&session->polls, handover, session->badge) : error;
}

static error_t give_sockets(struct handover *handover) {
    uint32_t last = 0;
    error_t error = ERR_OK;
    for (uint32_t i = 1; i < net.sessions.used && error == ERR_OK; i++)
        if (net.sessions.entries[i].object != NULL)
            error = give_session(net.sessions.entries[i].object, handover, &last);
    return error == ERR_OK ? stack_orphans_give(&net.stack, handover, &last) : error;
}

error_t net_give(struct handover *handover) {
    if (net.attaching != 0)
        return ERR_BUSY; // a card is half open
    net_begin();
    for (uint32_t i = 0; i < LOOPBACK_ROUNDS && net.stack.loopback_count != 0; i++)
        stack_run(&net.stack);
    links_flush();
    const struct net_record record = {.settle_until = net.settle_until, .configured = net.configured};
    error_t error = handover_put(handover, NET_CLASS_NET, VERSION, 0, &record, sizeof(record));
    if (error == ERR_OK)
        error = stack_give(&net.stack, handover);
    if (error == ERR_OK)
        error = links_give(handover);
    if (error == ERR_OK)
        error = files_give(handover);
    if (error == ERR_OK)
        error = give_configs(handover);
    return error == ERR_OK ? give_sockets(handover) : error;
}

// --- taking
static const struct handover *taken_from;

static error_t attach(struct interface *interface) {
    return link_take(taken_from, interface);
}

static error_t take_settings(const struct handover *handover) {
    struct handover_view view = {0};
    while (handover_next(handover, NET_CLASS_SETTING, &view) == ERR_OK) {
        if (net.setting_count == SETTINGS_MAX)
            return ERR_CORRUPT;
        error_t error = handover_read(&view, VERSION, &net.settings[net.setting_count], sizeof(net.settings[0]));
        if (error != ERR_OK)
            return error;
        net.setting_count++;
    }
    return ERR_OK;
}

static error_t take_config(uint64_t index, const struct config_record *record) {
    struct interface *interface = index <= INTERFACES_MAX ? interface_find(&net.stack, (uint32_t)index) : NULL;
    if (interface == NULL || record->server_count > NAME_SERVERS_MAX || record->dhcp_state > DHCP_REBINDING ||
        record->lease.server_count > DHCP_SERVERS_MAX || record->lease.prefix > 128)
        return ERR_CORRUPT;
    struct interface_config *config = config_of(interface);
    config->state = (enum net_lease_state)record->lease_state;
    config->server_count = record->server_count;
    memcpy(config->servers, record->servers, sizeof(record->servers));
    const struct dhcp before = {
        .state = (enum dhcp_state)record->dhcp_state,
        .transaction = record->transaction,
        .tries = record->tries,
        .started = record->started,
        .lease = record->lease,
        .applied = record->applied != 0,
        .told = record->told != 0,
    };
    return before.state == DHCP_OFF ? ERR_OK : config_resume(interface, &before, record->step_at);
}

static error_t take_configs(const struct handover *handover) {
    struct handover_view view = {0};
    struct config_record record;
    error_t error = take_settings(handover);
    while (error == ERR_OK && handover_next(handover, NET_CLASS_CONFIG, &view) == ERR_OK) {
        error = handover_read(&view, VERSION, &record, sizeof(record));
        if (error == ERR_OK)
            error = take_config(view.view.key, &record);
    }
    return error;
}

static error_t take_sessions(const struct handover *handover, const struct taken_sockets *taken) {
    struct handover_view view = {0};
    struct session_record record;
    error_t error = ERR_OK;
    while (error == ERR_OK && handover_next(handover, NET_CLASS_SESSION, &view) == ERR_OK) {
        struct session *session;
        error = handover_read(&view, VERSION, &record, sizeof(record));
        struct socket *socket = error == ERR_OK ? taken_find(taken, record.socket) : NULL;
        if (socket == NULL || socket->owner != NULL)
            return error != ERR_OK ? error : ERR_CORRUPT;
        error = session_take(view.view.key, socket, &session);
        if (error != ERR_OK)
            return error;
        session->flags = record.flags;
        session->receive_timeout = record.receive_timeout;
        session->send_timeout = record.send_timeout;
        memcpy(session->parts, record.parts, sizeof(session->parts));
        session_note(session); // what changed last may not have been told yet
    }
    return error;
}

static struct poll_list *polls_of(uint64_t badge) {
    struct session *session = session_find(badge);
    return session != NULL ? &session->polls : NULL;
}

static error_t take_all(struct handover *handover) {
    struct taken_sockets taken = {0};
    taken_from = handover;
    error_t error = stack_take(&net.stack, handover, attach);
    if (error == ERR_OK)
        error = files_take(handover);
    if (error == ERR_OK)
        error = take_configs(handover);
    if (error == ERR_OK)
        error = stack_sockets_take(&net.stack, handover, &taken);
    if (error == ERR_OK)
        error = take_sessions(handover, &taken);
    if (error == ERR_OK)
        error = poll_lists_take(handover, polls_of);
    taken_free(&taken);
    heap_sessions_avoid_unknown(&net.sessions, net.server.endpoint);
    return error;
}

error_t net_take(struct handover *handover) {
    struct net_record record;
    error_t error = handover_read_first(handover, NET_CLASS_NET, VERSION, &record, sizeof(record));
    if (error != ERR_OK)
        return error;
    net_begin();
    error = take_all(handover);
    if (error != ERR_OK)
        return error;
    net.settle_until = record.settle_until;
    net.configured = record.configured != 0;
    if (!net.configured)
        config_await();
    links_resumed();
    net_end();
    return ERR_OK;
}
