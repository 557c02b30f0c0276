// What is configured for interfaces: the settings of /etc/network.conf, which the program `ip` reads and boot has
// sent at the start, and what DHCP finds. An interface without settings gets its address by DHCP.
#include "servers/net/state.h"

#include <string.h>

#include "drivers/framework/report.h"
#include "libipc/client/clock.h"

// A card that is there before anybody has configured something waits this long, then it begins with DHCP.
#define CONFIGURE_WAIT (3 * NANOSECONDS_PER_SECOND)
// An interface is new for so long.
#define SETTLE_TIME (5 * NANOSECONDS_PER_SECOND)

static void add_address(struct text *text, const struct address *address) {
    for (uint32_t i = 0; i < 4; i++) {
        text_add(text, i != 0 ? "." : "");
        text_add_number(text, address->bytes[12 + i]);
    }
}

static void lease_changed(struct dhcp *dhcp) {
    struct interface_config *config = config_of(dhcp->interface);
    const struct dhcp_lease *lease = &dhcp->lease;
    struct text text = {0};
    text_add(&text, dhcp->interface->name);
    config->server_count = 0;
    if (dhcp->applied) {
        for (; config->server_count < lease->server_count; config->server_count++)
            config->servers[config->server_count] = lease->servers[config->server_count];
        text_add(&text, " is ");
        add_address(&text, &lease->address);
        text_add(&text, ", given by ");
        add_address(&text, &lease->server);
    } else {
        text_add(&text, " has lost its address");
    }
    report(REPORT_INFORMATION, &text);
    fiber_wake_all(&net.settling);
}

static void nobody_answers(struct dhcp *dhcp) {
    struct text text = {0};
    text_add(&text, dhcp->interface->name);
    text_add(&text, ": no DHCP server answers, ");
    if (dhcp->applied) {
        add_address(&text, &dhcp->lease.address);
        text_add(&text, " is lost in ");
        text_add_number(&text, (dhcp->lease.ends_at - net.stack.now) / NANOSECONDS_PER_SECOND + 1);
        text_add(&text, " s unless one does");
    } else {
        text_add(&text, "there is no address yet; asking goes on");
    }
    report(REPORT_WARNING, &text);
}

void config_link_up(struct interface *interface) {
    config_settle_again();
    dhcp_confirm(&config_of(interface)->dhcp);
}

void config_settle_again(void) {
    net.settle_until = clock_monotonic() + SETTLE_TIME;
}

bool config_settles(bool v6) {
    if (net.stack.now >= net.settle_until)
        return false;
    bool waits = net.attaching != 0 || !net.configured;
    for (uint32_t i = 0; i < INTERFACES_MAX && !waits; i++) {
        const struct interface *interface = &net.stack.interfaces[i];
        if (interface->index == 0 || interface->loopback || !interface->up || !interface->link)
            continue;
        const struct dhcp *dhcp = &config_of(interface)->dhcp;
        waits = v6 ? interface->autoconfigure : dhcp->state != DHCP_OFF && !dhcp->applied;
    }
    return waits;
}

error_t config_wait(bool v6) {
    net_end();
    error_t error = config_settles(v6) ? fiber_wait_until(&net.settling, net.settle_until) : ERR_OK;
    net_begin();
    return error;
}

struct interface_config *config_of(const struct interface *interface) {
    return &net.configs[interface->index - 1];
}

// --- one interface
static bool is_for(const struct net_setting *setting, const struct interface *interface, enum net_setting_kind kind) {
    return setting->kind == kind && strncmp((const char *)setting->interface, interface->name, INTERFACE_NAME_BYTES) == 0;
}

static uint8_t stack_bits(const struct address *address, uint32_t bits) {
    return (uint8_t)(address_is_v4(address) ? bits + ADDRESS_V4_PREFIX : bits);
}

static struct route route_of(const struct net_setting *setting, const struct interface *interface) {
    struct route route = {.prefix = address_from_bytes(setting->address),
                          .gateway = address_from_bytes(setting->gateway),
                          .metric = setting->metric,
                          .interface = interface->index};
    route.bits = stack_bits(&route.prefix, setting->bits);
    return route;
}

static void complain(const struct interface *interface, const char *what, error_t error) {
    struct text text = {0};
    if (error == ERR_OK || error == ERR_EXISTS)
        return;
    text_add(&text, interface->name);
    text_add(&text, ": ");
    text_add(&text, what);
    report_failure(text.bytes, error);
}

static void apply_setting(struct interface *interface, const struct net_setting *setting) {
    struct interface_config *config = config_of(interface);
    struct address address = address_from_bytes(setting->address);
    if (is_for(setting, interface, NET_SETTING_KIND_ADDRESS)) {
        complain(interface, "an address can't be set",
                 interface_add_address(interface, &address, stack_bits(&address, setting->bits)));
    } else if (is_for(setting, interface, NET_SETTING_KIND_ROUTE)) {
        struct route route = route_of(setting, interface);
        complain(interface, "a route can't be set", route_add(interface->stack, &route));
    } else if (is_for(setting, interface, NET_SETTING_KIND_NAME_SERVER) && config->server_count < NAME_SERVERS_MAX) {
        config->servers[config->server_count++] = address;
    }
}

static void use_dhcp(struct interface_config *config) {
    config->dhcp.changed = lease_changed;
    config->dhcp.silence = nobody_answers;
}

error_t config_resume(struct interface *interface, const struct dhcp *before, uint64_t step_at) {
    use_dhcp(config_of(interface));
    return dhcp_resume(&config_of(interface)->dhcp, interface, before, step_at);
}

static void apply(struct interface *interface) {
    struct interface_config *config = config_of(interface);
    uint32_t flags = NET_SETTING_FLAG_DHCP;
    for (uint32_t i = 0; i < net.setting_count; i++)
        if (is_for(&net.settings[i], interface, NET_SETTING_KIND_INTERFACE)) {
            flags = net.settings[i].flags;
            if (net.settings[i].mtu != 0 && net.settings[i].mtu < interface->mtu)
                interface->mtu = net.settings[i].mtu;
        }
    if (!interface->loopback)
        interface->autoconfigure = (flags & NET_SETTING_FLAG_NO_AUTOCONFIGURE) == 0;
    interface_set_up(interface, (flags & NET_SETTING_FLAG_DOWN) == 0);
    for (uint32_t i = 0; i < net.setting_count; i++)
        apply_setting(interface, &net.settings[i]);
    use_dhcp(config);
    config->state = NET_LEASE_STATE_STATIC;
    if (!interface->loopback && (flags & NET_SETTING_FLAG_DHCP) != 0)
        complain(interface, "DHCP can't start", dhcp_start(&config->dhcp, interface));
    config_settle_again();
    fiber_wake_all(&net.settling);
}

// What was set is taken back; what somebody added by hand stays.
static void withdraw(struct interface *interface) {
    struct interface_config *config = config_of(interface);
    dhcp_stop(&config->dhcp);
    config->server_count = 0;
    for (uint32_t i = 0; i < net.setting_count; i++) {
        const struct net_setting *setting = &net.settings[i];
        error_t ignored = ERR_OK;
        if (is_for(setting, interface, NET_SETTING_KIND_ROUTE)) {
            struct route route = route_of(setting, interface);
            ignored = route_remove(interface->stack, &route.prefix, route.bits, &route.gateway, route.interface);
        } else if (is_for(setting, interface, NET_SETTING_KIND_ADDRESS)) {
            struct address address = address_from_bytes(setting->address);
            ignored = interface_remove_address(interface, &address);
        }
        (void)ignored; // somebody else has taken it away
    }
}

void config_interface(struct interface *interface) {
    if (net.configured)
        apply(interface);
}

// --- the whole
static bool makes_sense(const struct net_setting *setting) {
    struct address address = address_from_bytes(setting->address), gateway = address_from_bytes(setting->gateway);
    bool v4 = address_is_v4(&address);
    if (setting->interface[0] == 0 || setting->interface[sizeof(setting->interface) - 1] != 0)
        return false;
    switch (setting->kind) {
    case NET_SETTING_KIND_INTERFACE:
        return setting->mtu == 0 || (setting->mtu >= LEAST_MTU && setting->mtu <= ETHERNET_MTU);
    case NET_SETTING_KIND_ROUTE:
        if (!address_is_unspecified(&gateway) && address_is_v4(&gateway) != v4)
            return false;
        return setting->bits <= (v4 ? 32 : 128);
    case NET_SETTING_KIND_ADDRESS:
        return setting->bits <= (v4 ? 32 : 128) && !address_is_unspecified(&address) && !address_is_multicast(&address);
    case NET_SETTING_KIND_NAME_SERVER:
        return !address_is_unspecified(&address);
    default:
        return false;
    }
}

static void apply_all(void) {
    net.configured = true;
    timer_clear(&net.configure_timer);
    for (uint32_t i = 0; i < INTERFACES_MAX; i++)
        if (net.stack.interfaces[i].index != 0)
            apply(&net.stack.interfaces[i]);
}

error_t config_replace(const struct net_setting *settings, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!makes_sense(&settings[i]))
            return ERR_INVALID;
    if (net.configured && count == net.setting_count && memcmp(settings, net.settings, count * sizeof(settings[0])) == 0)
        return ERR_OK; // boot has died and says it again: connections go on
    for (uint32_t i = 0; net.configured && i < INTERFACES_MAX; i++)
        if (net.stack.interfaces[i].index != 0)
            withdraw(&net.stack.interfaces[i]);
    memcpy(net.settings, settings, count * sizeof(settings[0]));
    net.setting_count = count;
    apply_all();
    return ERR_OK;
}

static void nobody_configures(struct timer *timer) {
    (void)timer;
    net_begin();
    apply_all();
    net_end();
}

void config_await(void) {
    timer_set(&net.configure_timer, clock_monotonic() + CONFIGURE_WAIT, nobody_configures);
}

void config_start(bool is_restart) {
    net.configs[0].state = NET_LEASE_STATE_STATIC; // lo
    config_settle_again();
    if (!is_restart) {
        config_await();
        return;
    }
    struct text text = {0};
    text_add(&text, "all state is lost: DHCP for every card; `ip configure` reads /etc/network.conf again");
    report(REPORT_WARNING, &text);
    net.configured = true;
}
