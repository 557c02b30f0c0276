// Addresses as text (POSIX <arpa/inet.h>).
#pragma once

#include <netinet/in.h>

// AF_INET and AF_INET6. 1; 0 if the text is no address; -1 with EAFNOSUPPORT.
int inet_pton(int family, const char *restrict text, void *restrict address);
// RFC 5952 for IPv6. Null with ENOSPC or EAFNOSUPPORT.
const char *inet_ntop(int family, const void *restrict address, char *restrict text, socklen_t size);
// The old forms "a", "a.b" and "a.b.c" as well, in any base. 1 or 0.
int inet_aton(const char *text, struct in_addr *address);
in_addr_t inet_addr(const char *text);
char *inet_ntoa(struct in_addr address);
