// See cache.h.
#include "servers/resolver/cache.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

struct entry {
    struct question question;
    struct dns_answer answer;
    uint64_t until, used; // nanoseconds; a count of uses. `until` 0: free
};

static struct entry entries[CACHE_ENTRIES];
static uint64_t uses;

bool question_equal(const struct question *a, const struct question *b) {
    return a->type == b->type && strcmp(a->name, b->name) == 0 && memcmp(&a->servers, &b->servers, sizeof(a->servers)) == 0;
}

// How patient one is makes no difference to what is known.
static bool servers_equal(const struct resolver_servers *a, const struct resolver_servers *b) {
    return a->count == b->count && memcmp(a->addresses, b->addresses, sizeof(a->addresses)) == 0 &&
           memcmp(a->ports, b->ports, sizeof(a->ports)) == 0;
}

// RFC 2308 section 5: that a name does not exist is true of all types.
static bool answers(const struct entry *entry, const struct question *question) {
    return (entry->question.type == question->type || entry->answer.code == DNS_NAME_ERROR) &&
           strcmp(entry->question.name, question->name) == 0 && servers_equal(&entry->question.servers, &question->servers);
}

const struct dns_answer *cache_find(const struct question *question, uint64_t now) {
    static struct dns_answer found;
    for (uint32_t i = 0; i < CACHE_ENTRIES; i++) {
        struct entry *entry = &entries[i];
        if (entry->until <= now || !answers(entry, question))
            continue;
        entry->used = ++uses;
        found = entry->answer;
        found.seconds = (uint32_t)((entry->until - now + SECOND - 1) / SECOND);
        return &found;
    }
    return NULL;
}

void cache_add(const struct question *question, const struct dns_answer *answer, uint64_t now) {
    uint32_t most = answer->found ? CACHE_SECONDS_MOST : CACHE_NEGATIVE_SECONDS_MOST;
    uint32_t seconds = answer->seconds < most ? answer->seconds : most;
    struct entry *place = &entries[0];
    if (seconds == 0)
        return;
    for (uint32_t i = 0; i < CACHE_ENTRIES; i++) {
        struct entry *entry = &entries[i];
        if (entry->until > now && answers(entry, question) && entry->question.type == question->type) {
            place = entry;
            break;
        }
        uint64_t age = entry->until <= now ? 0 : entry->used, oldest = place->until <= now ? 0 : place->used;
        if (age < oldest)
            place = entry;
    }
    *place = (struct entry){.question = *question, .answer = *answer, .until = now + seconds * SECOND, .used = ++uses};
}

uint32_t cache_count(uint64_t now) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < CACHE_ENTRIES; i++)
        count += entries[i].until > now;
    return count;
}
