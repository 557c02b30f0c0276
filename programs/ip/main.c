// ip: shows and changes interfaces, their addresses, routes and neighbours.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "programs/common/network.h"
#include "programs/common/program.h"
#include "programs/ip/configuration.h"

static const char operands[] = "[link | address | route | neighbour | configure] [CHANGE]";
static const char details[] = "Without a word: interfaces and their addresses. The changes:\n"
                              "  link set INTERFACE {up | down | mtu BYTES}\n"
                              "  address {add | delete} ADDRESS/BITS INTERFACE\n"
                              "  route {add | delete} {PREFIX/BITS | default} [via ROUTER] INTERFACE\n"
                              "  configure [FILE]   what /etc/network.conf says, or FILE, in the place of what was configured\n"
                              "Words may be shortened: `ip a`, `ip r`, `ip n`.\n";

static cap_t net;
static char text[NETWORK_TEXT], text2[NETWORK_TEXT];

static bool is_word(const char *given, const char *word) {
    return *given && strncmp(given, word, strlen(given)) == 0;
}

static void addresses_print(uint64_t interface) {
    static const char *const states[] = {"", " tentative", "", " deprecated"};
    struct net_address address;
    uint64_t cursor = 0;
    while (net_next_address(net, cursor, &cursor, &address) == ERR_OK) {
        if (address.interface != interface)
            continue;
        printf("    %s/%u%s", network_address_text(address.address, text), address.prefix,
               address.state < 4 ? states[address.state] : "");
        if (address.valid_seconds)
            printf(" for %s", network_time_text(address.valid_seconds, text));
        printf("\n");
    }
}

static void links_print(bool addresses, bool counts) {
    struct net_interface interface;
    uint64_t cursor = 0;
    while (net_next_interface(net, cursor, &cursor, &interface) == ERR_OK) {
        const uint8_t *mac = interface.mac;
        printf("%llu: %-8.16s %s%s mtu %u", (unsigned long long)interface.index, (const char *)interface.name,
               interface.flags & NET_INTERFACE_FLAG_UP ? "up" : "down",
               interface.flags & NET_INTERFACE_FLAG_LINK ? "" : ", no link", interface.mtu);
        if (!(interface.flags & NET_INTERFACE_FLAG_LOOPBACK))
            printf(" %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
        printf("\n");
        if (counts)
            printf("    in  %llu frames, %llu bytes, %llu dropped\n    out %llu frames, %llu bytes, %llu "
                   "dropped\n",
                   (unsigned long long)interface.frames_in, (unsigned long long)interface.bytes_in,
                   (unsigned long long)interface.dropped_in, (unsigned long long)interface.frames_out,
                   (unsigned long long)interface.bytes_out, (unsigned long long)interface.dropped_out);
        if (addresses)
            addresses_print(interface.index);
    }
}

static void routes_print(void) {
    struct net_route route;
    uint64_t cursor = 0;
    while (net_next_route(net, cursor, &cursor, &route) == ERR_OK) {
        if (route.bits == 0 && network_is_zero(route.prefix))
            printf("default");
        else
            printf("%s/%u", network_address_text(route.prefix, text), route.bits);
        if (!network_is_zero(route.gateway))
            printf(" via %s", network_address_text(route.gateway, text));
        printf(" %s metric %u\n", network_interface_name(net, route.interface, text), route.metric);
    }
}

static void neighbours_print(void) {
    static const char *const states[] = {"?", "incomplete", "reachable", "stale", "delay", "probe", "permanent"};
    struct net_neighbour neighbour;
    uint64_t cursor = 0;
    while (net_next_neighbour(net, cursor, &cursor, &neighbour) == ERR_OK) {
        const uint8_t *mac = neighbour.mac;
        printf("%s %s %02x:%02x:%02x:%02x:%02x:%02x %s\n", network_address_text(neighbour.address, text),
               network_interface_name(net, neighbour.interface, text2), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
               states[neighbour.state < 7 ? neighbour.state : 0]);
    }
}

static void link_change(char **words, int count) {
    if (count < 3 || !is_word(words[0], "set"))
        program_usage_error("link set INTERFACE {up | down | mtu BYTES} is wanted");
    struct net_interface interface = network_interface(net, words[1]);
    error_t error;
    if (count == 3 && (strcmp(words[2], "up") == 0 || strcmp(words[2], "down") == 0))
        error = net_set_up(net, interface.index, words[2][0] == 'u');
    else if (count == 4 && strcmp(words[2], "mtu") == 0)
        error = net_set_mtu(net, interface.index, (uint64_t)number_parse(words[3], "an MTU"));
    else
        program_usage_error("link set INTERFACE {up | down | mtu BYTES} is wanted");
    if (error != ERR_OK)
        network_fail(words[1], error);
}

static void address_change(char **words, int count) {
    bool adds = count == 3 && is_word(words[0], "add"), deletes = count == 3 && is_word(words[0], "delete");
    struct net_address address = {0};
    if (!adds && !deletes)
        program_usage_error("address {add | delete} ADDRESS/BITS INTERFACE is wanted");
    if (!network_prefix_parse(words[1], address.address, &address.prefix))
        program_usage_error("%s is no address with the length of its prefix", words[1]);
    address.interface = network_interface(net, words[2]).index;
    error_t error = adds ? net_add_address(net, &address) : net_remove_address(net, &address);
    if (!adds && error == ERR_NOT_FOUND)
        program_fail(words[1], "%s has no such address", words[2]);
    if (error != ERR_OK)
        network_fail(words[1], error);
}

static void route_change(char **words, int count) {
    bool adds = is_word(words[0], "add"), deletes = is_word(words[0], "delete");
    bool via = count == 5 && strcmp(words[2], "via") == 0;
    struct net_route route = {0};
    if ((!adds && !deletes) || (count != 3 && !via))
        program_usage_error("route {add | delete} {PREFIX/BITS | default} [via ROUTER] INTERFACE is wanted");
    if (!network_prefix_parse(words[1], route.prefix, &route.bits))
        program_usage_error("%s is no prefix", words[1]);
    if (via && !network_address_parse(words[3], route.gateway))
        program_usage_error("%s is no address", words[3]);
    if (via && strcmp(words[1], "default") == 0 && !network_is_ipv4(route.gateway))
        memset(route.prefix, 0, sizeof(route.prefix)); // of the router's family
    route.interface = network_interface(net, words[count - 1]).index;
    error_t error = adds ? net_add_route(net, &route) : net_remove_route(net, &route);
    if (!adds && error == ERR_NOT_FOUND)
        program_fail(words[1], "there is no such route");
    if (error != ERR_OK)
        network_fail(words[1], error);
}

static void configure(char **words, int count) {
    static struct configuration configuration;
    static char file[16384];
    const char *path = count > 0 ? words[0] : "/etc/network.conf";
    if (count > 1)
        program_usage_error("one file, please");
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        program_fail(path, "%s", error_text(errno));
    size_t length = fread(file, 1, sizeof(file) - 1, stream);
    if (ferror(stream))
        program_fail(path, "%s", error_text(errno));
    if (length == sizeof(file) - 1 || memchr(file, '\0', length) != NULL)
        program_fail(path, "this is no configuration: too long, or not text");
    (void)fclose(stream);
    if (!configuration_parse(file, &configuration)) {
        char place[300];
        snprintf(place, sizeof(place), "%s:%u", path, configuration.line);
        program_fail(place, "%s; nothing is changed", configuration.reason);
    }
    error_t error = net_configure(net, configuration.settings, configuration.count * sizeof(configuration.settings[0]));
    if (error != ERR_OK)
        network_fail(path, error);
}

int main(int argc, char **argv) {
    program_start(argc, argv, operands, details);
    while (program_option("+") != -1) {
    }
    net = network_session();
    const char *what = program_operand_count ? program_operands[0] : "address";
    char **change = program_operands + 1;
    int count = program_operand_count - 1;
    if (is_word(what, "link")) {
        if (count > 0)
            link_change(change, count);
        else
            links_print(false, true);
    } else if (is_word(what, "address")) {
        if (count > 0)
            address_change(change, count);
        else
            links_print(true, false);
    } else if (is_word(what, "route")) {
        if (count > 0)
            route_change(change, count);
        else
            routes_print();
    } else if (is_word(what, "configure")) {
        configure(change, count);
    } else if (is_word(what, "neighbour")) {
        neighbours_print();
    } else {
        program_usage_error("link, address, route, neighbour or configure is wanted");
    }
    return program_end(0);
}
