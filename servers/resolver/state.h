// What the files of the server share. Nothing is kept: a new actor begins with an empty cache, and what was
// asked is asked again.
#pragma once

#include "libipc/protocols/resolver_server.h"
#include "libipc/server/server.h"

enum {
    QUESTIONS_MAX = 16, // under way at once; more wait
    FIBERS_MAX = 64,
};

extern struct server resolver_server;
extern const struct resolver_ops resolver_methods;
