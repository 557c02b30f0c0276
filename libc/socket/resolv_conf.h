// /etc/resolv.conf. For resolve.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libipc/protocols/resolver.h"

enum { SEARCH_MAX = 6, SEARCH_BYTES = 256 };

struct resolv_conf {
    struct resolver_servers servers; // count 0: none is named
    const char *search[SEARCH_MAX];  // domains to try, in `text`
    size_t search_count;
    unsigned dots; // a name with as many is tried as it is first
    char text[SEARCH_BYTES];
};

void resolv_conf_start(struct resolv_conf *conf);
// Takes a line. What is not understood is passed over, as others do.
void resolv_conf_line(struct resolv_conf *conf, char *line);
// Adds a server, `address` of 16 bytes; the fourth and later ones are passed over.
void resolv_conf_add(struct resolv_conf *conf, const uint8_t *address, uint16_t port);
// The domains to search are those of the text, separated by blanks.
void resolv_conf_search(struct resolv_conf *conf, const char *domains);
