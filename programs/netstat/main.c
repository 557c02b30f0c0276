// netstat: shows sockets and what the network server has counted.
#include <stdio.h>
#include <string.h>

#include "libipc/protocols/resolver.h"
#include "libipc/start/start.h"
#include "programs/common/network.h"
#include "programs/common/program.h"

static cap_t net;

// Numbers as net.idl gives them.
static const char *state_text(const struct net_connection *connection) {
    static const char *const names[] = {"CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
    return connection->protocol != 6 ? "" : connection->state < 11 ? names[connection->state] : "?";
}

static const char *end_text(const uint8_t address[16], uint16_t port, char *text, size_t size) {
    char host[NETWORK_TEXT], number[8] = "*";
    if (port)
        snprintf(number, sizeof(number), "%u", port);
    network_address_text(address, host);
    if (network_is_zero(address))
        snprintf(text, size, "*:%s", number);
    else
        snprintf(text, size, network_is_ipv4(address) ? "%s:%s" : "[%s]:%s", host, number);
    return text;
}

static void connections_print(bool all) {
    struct net_connection connection;
    uint64_t cursor = 0;
    char local[NETWORK_TEXT + 16], remote[NETWORK_TEXT + 16], number[16];
    printf("%-6s %7s %7s  %-26s %-26s %s\n", "PROTO", "UNREAD", "UNSENT", "LOCAL", "REMOTE", "STATE");
    while (net_next_connection(net, cursor, &cursor, &connection) == ERR_OK) {
        bool is_open = connection.remote_port != 0;
        if (!all && !is_open)
            continue;
        snprintf(number, sizeof(number), "%u", connection.protocol);
        printf("%-6s %7u %7u  %-26s %-26s %s\n",
               connection.protocol == 6    ? "tcp"
               : connection.protocol == 17 ? "udp"
                                           : number,
               connection.unread, connection.unsent, end_text(connection.local, connection.local_port, local, sizeof(local)),
               end_text(connection.remote, connection.remote_port, remote, sizeof(remote)), state_text(&connection));
    }
}

static void counters_print(bool zeros) {
    uint64_t cursor = 0, value;
    char name[65];
    for (;;) {
        memset(name, 0, sizeof(name));
        if (net_next_counter(net, cursor, name, sizeof(name) - 1, &cursor, &value) != ERR_OK)
            break;
        if (value || zeros)
            printf("%12llu %s\n", (unsigned long long)value, name);
    }
}

static void resolver_print(bool zeros) {
    static const char *const names[] = {"questions", "hits", "failures", "entries", "entries_most"};
    uint64_t values[5] = {0};
    cap_t resolver = startup_capability("resolver");
    if (resolver == 0 || resolver_statistics(resolver, &values[0], &values[1], &values[2], &values[3], &values[4]) != ERR_OK)
        return;
    for (int i = 0; i < 5; i++)
        if (values[i] || zeros)
            printf("%12llu resolver_%s\n", (unsigned long long)values[i], names[i]);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-as]",
                  "  -a  sockets without a peer as well; with -s counters that are 0\n"
                  "  -s  what was counted: packets, errors, retransmissions ...\n"
                  "UNREAD: bytes that wait to be read, UNSENT: bytes that the peer has not acknowledged.\n");
    bool all = false, counters = false;
    for (int option; (option = program_option("as")) != -1;) {
        all |= option == 'a';
        counters |= option == 's';
    }
    if (program_operand_count)
        program_usage_error("no operand is wanted");
    net = network_session();
    if (counters) {
        counters_print(all);
        resolver_print(all);
    } else {
        connections_print(all);
    }
    return program_end(0);
}
