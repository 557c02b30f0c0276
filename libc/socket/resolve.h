// Names to addresses and back, by /etc/hosts and by name servers. For getaddrinfo and getnameinfo.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RESOLVE_MOST = 16, RESOLVE_NAME_BYTES = 256 };

struct resolved {
    int family;
    uint8_t address[16];
    char name[RESOLVE_NAME_BYTES]; // canonical
};

// Addresses of a host, of `family` or of both (AF_UNSPEC). 0 or EAI_...; *count is more than 0 then.
int resolve_host(const char *name, int family, struct resolved *found, size_t most, size_t *count);
// The name of an address. 0 or EAI_NONAME, EAI_AGAIN.
int resolve_address(int family, const uint8_t *address, char *name, size_t size);
