// See records.h. The tables: random state, interfaces, routes, path MTUs, peers that admission knows. Times are those of the
// machine's clock, so they mean the same to the next one.
#include "servers/net/stack/records.h"

#include "servers/net/stack/icmp.h"

// Structs of the stack that lie in records as they are. Who changes one of them raises RECORDS_VERSION.
_Static_assert(sizeof(struct interface_address) == 40 && sizeof(struct group) == 32 &&
                   sizeof(struct interface_statistics) == 48 && sizeof(struct route) == 56 && sizeof(struct path) == 32 &&
                   sizeof(struct admission) == 4144,
               "the layout of records");

struct stack_record {
    struct siphash_key key;
    uint64_t random_state, cookie_at, queues_full;
    uint32_t identification, newreno;
    struct admission admission;
};

struct interface_record {
    char name[INTERFACE_NAME_BYTES];
    uint8_t mac[MAC_BYTES];
    uint8_t up, link, autoconfigure, conflict_watch, hop_limit, padding[5];
    uint32_t mtu, probed, solicitations, padding_end;
    uint64_t defended_at;
    uint64_t solicit_at, address_at; // 0: that timer is not armed
    struct interface_address addresses[INTERFACE_ADDRESSES_MAX];
    struct group groups[INTERFACE_GROUPS_MAX];
    struct interface_statistics statistics;
};

struct neighbour_record {
    struct address address;
    uint64_t used, confirmed;
    uint32_t interface;
    uint8_t mac[MAC_BYTES];
    uint8_t router, is_permanent, padding[4];
};

// --- giving
static error_t give_interface(const struct interface *interface, struct handover *handover) {
    static struct interface_record record;
    record = (struct interface_record){
        .up = interface->up,
        .link = interface->link,
        .autoconfigure = interface->autoconfigure,
        .conflict_watch = interface->conflict_watch,
        .hop_limit = interface->hop_limit,
        .mtu = interface->mtu,
        .probed = interface->probed,
        .solicitations = interface->solicitations,
        .defended_at = interface->defended_at,
        .solicit_at = timer_time(&interface->solicit_timer),
        .address_at = timer_time(&interface->address_timer),
        .statistics = interface->statistics,
    };
    memcpy(record.name, interface->name, sizeof(record.name));
    memcpy(record.mac, interface->mac, sizeof(record.mac));
    memcpy(record.addresses, interface->addresses, sizeof(record.addresses));
    memcpy(record.groups, interface->groups, sizeof(record.groups));
    return handover_put(handover, CLASS_INTERFACE, RECORDS_VERSION, interface->index, &record, sizeof(record));
}

// Those whose hardware address is known.
static error_t give_neighbours(const struct stack *stack, struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < NEIGHBOURS_MAX && error == ERR_OK; i++) {
        const struct neighbour *neighbour = &stack->neighbours[i];
        if (neighbour->state < NEIGHBOUR_REACHABLE)
            continue;
        struct neighbour_record record = {
            .address = neighbour->address,
            .used = neighbour->used,
            .confirmed = neighbour->confirmed,
            .interface = neighbour->interface->index,
            .router = neighbour->router,
            .is_permanent = neighbour->state == NEIGHBOUR_PERMANENT,
        };
        memcpy(record.mac, neighbour->mac, MAC_BYTES);
        error = handover_put(handover, CLASS_NEIGHBOUR, RECORDS_VERSION, i, &record, sizeof(record));
    }
    return error;
}

static error_t give_tables(const struct stack *stack, struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < INTERFACES_MAX && error == ERR_OK; i++)
        if (stack->interfaces[i].index != 0)
            error = give_interface(&stack->interfaces[i], handover);
    for (uint32_t i = 0; i < ROUTES_MAX && error == ERR_OK; i++)
        if (stack->routes[i].used)
            error = handover_put(handover, CLASS_ROUTE, RECORDS_VERSION, i, &stack->routes[i], sizeof(stack->routes[i]));
    for (uint32_t i = 0; i < PATHS_MAX && error == ERR_OK; i++)
        if (stack->paths[i].mtu != 0)
            error = handover_put(handover, CLASS_PATH, RECORDS_VERSION, i, &stack->paths[i], sizeof(stack->paths[i]));
    return error == ERR_OK ? give_neighbours(stack, handover) : error;
}

error_t stack_give(const struct stack *stack, struct handover *handover) {
    static struct stack_record record; // large; nothing waits here
    record = (struct stack_record){
        .key = stack->key,
        .random_state = stack->random_state,
        .cookie_at = stack->cookie_at,
        .queues_full = stack->queues_full,
        .identification = stack->identification,
        .newreno = stack->newreno,
        .admission = stack->admission,
    };
    error_t error = handover_put(handover, CLASS_STACK, RECORDS_VERSION, 0, &record, sizeof(record));
    if (error == ERR_OK)
        error = handover_put(handover, CLASS_STATISTICS, RECORDS_VERSION, 0, &stack->statistics, sizeof(stack->statistics));
    return error == ERR_OK ? give_tables(stack, handover) : error;
}

// --- taking
static bool is_sound(const struct interface_record *record) {
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++)
        if (record->addresses[i].state > ADDRESS_DEPRECATED || record->addresses[i].prefix > 128)
            return false;
    return record->name[INTERFACE_NAME_BYTES - 1] == 0 && record->mtu != 0;
}

static error_t take_interface(struct stack *stack, uint64_t index, const struct interface_record *record,
                              error_t (*attach)(struct interface *interface)) {
    struct interface *interface = &stack->interfaces[0];
    error_t error = ERR_OK;
    if (!is_sound(record))
        return ERR_CORRUPT;
    if (index != interface->index)
        error = interface_add(stack, record->name, record->mac, record->mtu, NULL, NULL, &interface);
    if (error != ERR_OK || interface->index != index)
        return ERR_CORRUPT; // none was ever taken away, so they come in order
    interface->up = record->up;
    interface->link = record->link;
    interface->autoconfigure = record->autoconfigure;
    interface->conflict_watch = record->conflict_watch;
    interface->hop_limit = record->hop_limit;
    interface->mtu = record->mtu;
    interface->probed = record->probed;
    interface->solicitations = record->solicitations;
    interface->defended_at = record->defended_at;
    interface->statistics = record->statistics;
    memcpy(interface->addresses, record->addresses, sizeof(record->addresses));
    memcpy(interface->groups, record->groups, sizeof(record->groups));
    nd_resume(interface, record->solicit_at, record->address_at);
    group_resume(interface);
    return interface->loopback ? ERR_OK : attach(interface);
}

static error_t take_interfaces(struct stack *stack, const struct handover *handover,
                               error_t (*attach)(struct interface *interface)) {
    static struct interface_record record;
    struct handover_view view = {0};
    while (handover_next(handover, CLASS_INTERFACE, &view) == ERR_OK) {
        error_t error = handover_read(&view, RECORDS_VERSION, &record, sizeof(record));
        if (error == ERR_OK)
            error = take_interface(stack, view.view.key, &record, attach);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static error_t take_routes(struct stack *stack, const struct handover *handover) {
    struct handover_view view = {0};
    memset(stack->routes, 0, sizeof(stack->routes));
    while (handover_next(handover, CLASS_ROUTE, &view) == ERR_OK) {
        if (view.view.key >= ROUTES_MAX)
            return ERR_CORRUPT;
        struct route *route = &stack->routes[view.view.key];
        error_t error = handover_read(&view, RECORDS_VERSION, route, sizeof(*route));
        if (error != ERR_OK)
            return error;
        if (route->bits > 128 || interface_find(stack, route->interface) == NULL)
            return ERR_CORRUPT;
    }
    routes_count(stack);
    return ERR_OK;
}

static error_t take_paths(struct stack *stack, const struct handover *handover) {
    struct handover_view view = {0};
    while (handover_next(handover, CLASS_PATH, &view) == ERR_OK) {
        if (view.view.key >= PATHS_MAX)
            return ERR_CORRUPT;
        error_t error = handover_read(&view, RECORDS_VERSION, &stack->paths[view.view.key], sizeof(struct path));
        if (error != ERR_OK)
            return error;
    }
    routes_count(stack);
    return ERR_OK;
}

// They are stale: used, and asked for again meanwhile.
static error_t take_neighbours(struct stack *stack, const struct handover *handover) {
    struct handover_view view = {0};
    struct neighbour_record record;
    while (handover_next(handover, CLASS_NEIGHBOUR, &view) == ERR_OK) {
        error_t error = handover_read(&view, RECORDS_VERSION, &record, sizeof(record));
        if (error != ERR_OK)
            return error;
        struct interface *interface = interface_find(stack, record.interface);
        if (view.view.key >= NEIGHBOURS_MAX || interface == NULL)
            return ERR_CORRUPT;
        struct neighbour *neighbour = &stack->neighbours[view.view.key];
        *neighbour = (struct neighbour){
            .address = record.address,
            .interface = interface,
            .state = record.is_permanent ? NEIGHBOUR_PERMANENT : NEIGHBOUR_STALE,
            .router = record.router,
            .used = record.used,
            .confirmed = record.confirmed,
        };
        memcpy(neighbour->mac, record.mac, MAC_BYTES);
    }
    return ERR_OK;
}

// A build that counts other things begins to count anew.
static void take_statistics(struct stack *stack, const struct handover *handover) {
    struct handover_view view = {0};
    if (handover_next(handover, CLASS_STATISTICS, &view) != ERR_OK || view.view.length != sizeof(stack->statistics))
        return;
    error_t ignored = handover_read(&view, RECORDS_VERSION, &stack->statistics, sizeof(stack->statistics));
    (void)ignored;
}

error_t stack_take(struct stack *stack, const struct handover *handover, error_t (*attach)(struct interface *interface)) {
    static struct stack_record record;
    error_t error = handover_read_first(handover, CLASS_STACK, RECORDS_VERSION, &record, sizeof(record));
    if (error != ERR_OK)
        return error;
    stack->key = record.key;
    stack->random_state = record.random_state;
    stack->cookie_at = record.cookie_at;
    stack->queues_full = record.queues_full;
    stack->identification = record.identification;
    stack->newreno = record.newreno != 0;
    stack->admission = record.admission;
    take_statistics(stack, handover);
    error = take_interfaces(stack, handover, attach);
    if (error == ERR_OK)
        error = take_routes(stack, handover);
    if (error == ERR_OK)
        error = take_paths(stack, handover);
    return error == ERR_OK ? take_neighbours(stack, handover) : error;
}
