// /etc/network.conf as settings of the network server: words are read here and judged there as well. Pure; for
// `ip configure` and host tests. The file's form is told in programs/ip/README.md.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libipc/protocols/net.h"

enum { CONFIGURATION_SETTINGS_MAX = NET_CONFIGURE_SETTINGS_MAX / sizeof(struct net_setting) };

struct configuration {
    struct net_setting settings[CONFIGURATION_SETTINGS_MAX];
    size_t count;
    unsigned line;    // of the first mistake, from 1
    char reason[128]; // what is wrong there
};

// Reads the text, which ends with NUL. False: there is a mistake, `line` and `reason` tell it.
bool configuration_parse(const char *text, struct configuration *configuration);
