// What name servers have answered, as long as it is good: by the list of servers, the name and the type. At most
// CACHE_ENTRIES; what was not used for longest makes room. Pure: the time is given. For look_up.c and host tests.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/protocols/resolver.h"
#include "servers/resolver/dns.h"

enum { CACHE_ENTRIES = 256, CACHE_SECONDS_MOST = 86400, CACHE_NEGATIVE_SECONDS_MOST = 10800 }; // RFC 2308 section 5: three hours

// A question. `name` is in lower case, without a dot at its end.
struct question {
    struct resolver_servers servers;
    uint16_t type;
    char name[DNS_NAME_BYTES];
};

bool question_equal(const struct question *a, const struct question *b);

// The answer, with the seconds that are left; NULL: it is not there, or too old. `now`: nanoseconds. Valid until the next call.
const struct dns_answer *cache_find(const struct question *question, uint64_t now);
// Keeps the answer for the time that it tells; 0 seconds: not at all.
void cache_add(const struct question *question, const struct dns_answer *answer, uint64_t now);
// Entries that are good at this time.
uint32_t cache_count(uint64_t now);
