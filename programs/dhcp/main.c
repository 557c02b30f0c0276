// dhcp: shows what interfaces were given by DHCP, and begins or ends asking for it.
#include <stdio.h>
#include <string.h>

#include "programs/common/network.h"
#include "programs/common/program.h"

static cap_t net;

static void lease_print(const struct net_interface *interface) {
    static const char *const states[] = {"off", "static", "searching", "bound", "renewing", "checking"};
    struct net_lease lease;
    char text[NETWORK_TEXT];
    if (net_lease(net, interface->index, &lease) != ERR_OK)
        return;
    printf("%.16s: %s\n", (const char *)interface->name, lease.state < 6 ? states[lease.state] : "?");
    if (network_is_zero(lease.address))
        return;
    printf("    address      %s\n", network_address_text(lease.address, text));
    if (!network_is_zero(lease.router))
        printf("    router       %s\n", network_address_text(lease.router, text));
    for (uint32_t i = 0; i < lease.servers_count && i < 3; i++)
        printf("    name server  %s\n", network_address_text(lease.servers + (size_t)16 * i, text));
    if (lease.domain[0])
        printf("    domain       %.64s\n", (const char *)lease.domain);
    if (!network_is_zero(lease.server))
        printf("    given by     %s\n", network_address_text(lease.server, text));
    printf("    left         %s\n", network_time_text(lease.seconds_left, text));
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[INTERFACE [start | stop]]",
                  "Without operands: all interfaces. `start` asks for an address, `stop` gives it up.\n");
    while (program_option("") != -1) {
    }
    net = network_session();
    if (program_operand_count == 0) {
        struct net_interface interface;
        uint64_t cursor = 0;
        while (net_next_interface(net, cursor, &cursor, &interface) == ERR_OK)
            if (!(interface.flags & NET_INTERFACE_FLAG_LOOPBACK))
                lease_print(&interface);
        return program_end(0);
    }
    struct net_interface interface = network_interface(net, program_operands[0]);
    const char *verb = program_operand_count == 2 ? program_operands[1] : "";
    if (program_operand_count > 2 || (*verb && strcmp(verb, "start") != 0 && strcmp(verb, "stop") != 0))
        program_usage_error("an interface, and start or stop, are wanted");
    if (*verb) {
        error_t error = net_set_dhcp(net, interface.index, strcmp(verb, "start") == 0);
        if (error != ERR_OK)
            network_fail(program_operands[0], error);
    } else {
        lease_print(&interface);
    }
    return program_end(0);
}
