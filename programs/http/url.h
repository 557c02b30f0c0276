// Addresses of HTTP (RFC 3986): whom to ask for what, and where a redirect leads. Pure; for http and host tests.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { URL_BYTES = 2048 };

struct url {
    char host[256], port[8], path[URL_BYTES]; // the path with its query, from its first slash on
};

// False: it is no address of HTTP; https is none.
bool url_parse(const char *text, struct url *url);
// What `location` means, seen from `url`. False: it can't be followed.
bool url_follow(struct url *url, const char *location);
