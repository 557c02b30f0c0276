// Addresses, prefixes and times as text; see network.h. Pure: host tests use it as well.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "programs/common/network.h"

bool network_is_ipv4(const uint8_t address[16]) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, mapped, sizeof(mapped)) == 0;
}

bool network_is_zero(const uint8_t address[16]) {
    static const uint8_t zero[16];
    return memcmp(address, zero, 16) == 0 || (network_is_ipv4(address) && memcmp(address + 12, zero, 4) == 0);
}

const char *network_address_text(const uint8_t address[16], char *text) {
    bool is_4 = network_is_ipv4(address);
    if (!inet_ntop(is_4 ? AF_INET : AF_INET6, is_4 ? address + 12 : address, text, NETWORK_TEXT))
        strcpy(text, "?");
    return text;
}

bool network_address_parse(const char *text, uint8_t address[16]) {
    memset(address, 0, 16);
    if (inet_pton(AF_INET, text, address + 12) == 1) {
        address[10] = address[11] = 0xff;
        return true;
    }
    return inet_pton(AF_INET6, text, address) == 1;
}

bool network_prefix_parse(const char *text, uint8_t address[16], uint32_t *bits) {
    char copy[NETWORK_TEXT];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    *bits = 0;
    if (strcmp(text, "default") == 0)
        return network_address_parse("0.0.0.0", address);
    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (!network_address_parse(copy, address))
        return false;
    uint32_t most = network_is_ipv4(address) ? 32 : 128;
    char *end = copy;
    unsigned long number = slash ? strtoul(slash + 1, &end, 10) : most;
    *bits = (uint32_t)number;
    return number <= most && (!slash || (slash[1] != '\0' && *end == '\0'));
}

const char *network_time_text(uint64_t seconds, char *text) {
    if (seconds == 0)
        strcpy(text, "for ever");
    else
        snprintf(text, NETWORK_TEXT, "%llu:%02llu:%02llu", (unsigned long long)seconds / 3600,
                 (unsigned long long)seconds / 60 % 60, (unsigned long long)seconds % 60);
    return text;
}
