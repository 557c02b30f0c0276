// See network.h.
#include "programs/common/network.h"

#include <stdio.h>
#include <string.h>

#include "libipc/start/start.h"
#include "programs/common/program.h"

cap_t network_session(void) {
    cap_t net = startup_capability("net.admin");
    if (net == 0)
        net = startup_capability("net"); // it may look
    if (net == 0)
        program_fail(NULL, "this program was not given the network");
    return net;
}

void network_fail(const char *subject, error_t error) {
    program_fail(subject, "%s", error_text(-error));
}

struct net_interface network_interface(cap_t net, const char *name) {
    struct net_interface interface;
    uint64_t cursor = 0;
    char number[24];
    while (net_next_interface(net, cursor, &cursor, &interface) == ERR_OK) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)interface.index);
        if (strncmp((const char *)interface.name, name, sizeof(interface.name)) == 0 || strcmp(number, name) == 0)
            return interface;
    }
    program_fail(name, "no such interface");
}

const char *network_interface_name(cap_t net, uint64_t index, char *text) {
    struct net_interface interface;
    uint64_t cursor = 0;
    strcpy(text, "?");
    while (net_next_interface(net, cursor, &cursor, &interface) == ERR_OK)
        if (interface.index == index)
            snprintf(text, NETWORK_TEXT, "%.16s", (const char *)interface.name);
    return text;
}
