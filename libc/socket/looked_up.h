// What the resolver answers (libipc/protocols/resolver.idl), between resolve.c and the layer below.
#pragma once

#include <stdint.h>

struct looked_up {
    uint64_t code, count, seconds; // RCODE; addresses; how long it is good
    uint8_t addresses[16][16];
    char name[256]; // canonical; of PTR and CNAME whom they name
};
