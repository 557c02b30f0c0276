// host: looks names and addresses up.
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "programs/common/program.h"

enum { NAME_BYTES = 1025 }; // longer than any name (RFC 1035, 2.3.4)

static int family = AF_UNSPEC;

static bool is_address(const char *text) {
    unsigned char room[16];
    return inet_pton(AF_INET, text, room) == 1 || inet_pton(AF_INET6, text, room) == 1;
}

static int name_print(const char *name) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME}, *list;
    int error = getaddrinfo(name, NULL, &hints, &list);
    if (error != 0) {
        program_error(name, "%s", gai_strerror(error));
        return 1;
    }
    if (list->ai_canonname && strcmp(list->ai_canonname, name) != 0)
        printf("%s is an alias for %s\n", name, list->ai_canonname);
    for (const struct addrinfo *entry = list; entry; entry = entry->ai_next) {
        char text[NAME_BYTES];
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
            printf("%s has address %s\n", name, text);
    }
    freeaddrinfo(list);
    return 0;
}

static int address_print(const char *address) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list;
    char name[NAME_BYTES];
    int error = getaddrinfo(address, NULL, &hints, &list);
    if (error == 0) {
        error = getnameinfo(list->ai_addr, list->ai_addrlen, name, sizeof(name), NULL, 0, NI_NAMEREQD);
        freeaddrinfo(list);
    }
    if (error != 0) {
        program_error(address, "%s", gai_strerror(error));
        return 1;
    }
    printf("%s is %s\n", address, name);
    return 0;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-46] {NAME | ADDRESS}...",
                  "  -4  IPv4 addresses only   -6  IPv6 addresses only\n"
                  "A name gives its addresses, an address its name.\n");
    for (int option; (option = program_option("46")) != -1;)
        family = option == '4' ? AF_INET : AF_INET6;
    if (!program_operand_count)
        program_usage_error("a name or an address is wanted");
    int status = 0;
    for (char **operand = program_operands; *operand; operand++)
        status |= is_address(*operand) ? address_print(*operand) : name_print(*operand);
    return program_end(status);
}
