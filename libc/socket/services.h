// Services by name and by port, of /etc/services. For getaddrinfo and getnameinfo.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A line that fits: by name, or if `name` is NULL by port; `protocol`: "tcp" or "udp". *port in host order; `text`, if not NULL,
// gets the name that the line begins with. False: there is none.
bool service_find(const char *name, const char *protocol, uint16_t *port, char *text, size_t size);
