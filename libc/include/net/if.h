// Interfaces by name (POSIX <net/if.h>).
#pragma once

#define IF_NAMESIZE 16

// 0 with ENODEV if there is none.
unsigned if_nametoindex(const char *name);
// `name` has IF_NAMESIZE bytes; null with ENXIO.
char *if_indextoname(unsigned index, char *name);
