// What is configured for an interface when it appears, and what DHCP finds: names of servers for the
// resolver. A card gets its address by DHCP unless somebody says otherwise through the protocol `net`.
#include "servers/net/state.h"

#include "drivers/framework/report.h"

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
}

struct interface_config *config_of(const struct interface *interface) {
    return &net.configs[interface->index - 1];
}

void config_start(void) {
    net.configs[0].state = NET_LEASE_STATE_STATIC; // lo
}

void config_interface(struct interface *interface) {
    struct interface_config *config = config_of(interface);
    interface_set_up(interface, true);
    config->dhcp.changed = lease_changed;
    error_t error = dhcp_start(&config->dhcp, interface);
    if (error != ERR_OK)
        report_failure("DHCP can't start", error);
}
