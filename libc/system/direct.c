// See direct.h. Invariant: a place's node stands for the first bytes of paths from its base, as vfs said
// (directory.direct); base is the program's root or its working directory, of which the latter forgets its
// places when it changes.
#include "libc/system/direct.h"

#include <stdbool.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/directory.h"

enum { PLACES = 4, PREFIX_BYTES = 48, MISSES = 8 };

struct direct {
    cap_t base, node; // node 0: free
    size_t length;    // of the prefix
    char prefix[PREFIX_BYTES];
};

static struct direct places[PLACES];
static unsigned next_place, misses;

static void place_free(struct direct *place) {
    slot_release(place->node);
    place->node = 0;
}

// What follows the place's prefix; NULL: the path does not lead below it.
static const char *rest_of(const struct direct *place, cap_t base, const char *path) {
    if (!place->node || place->base != base || strncmp(path, place->prefix, place->length) != 0)
        return NULL;
    const char *rest = path + place->length;
    if (place->length == 0)
        return rest;
    size_t slashes = strspn(rest, "/");
    return slashes > 0 && rest[slashes] ? rest + slashes : NULL; // the directory itself is named in the one above
}

const struct direct *direct_find(cap_t base, const char *path, const char **rest) {
    const struct direct *best = NULL;
    for (const struct direct *place = places; place < places + PLACES; place++) {
        const char *left = rest_of(place, base, path);
        if (!left || (best && best->length >= place->length))
            continue;
        best = place;
        *rest = left;
    }
    return best;
}

cap_t direct_node(const struct direct *direct) {
    return direct->node;
}

bool direct_answered(const struct direct *direct, error_t error) {
    bool is_gone = error == ERR_STALE || error == ERR_BAD_CAPABILITY;
    if (is_gone)
        place_free(&places[direct - places]);
    return !is_gone && error != ERR_PATH_STOPS;
}

void direct_missed(cap_t base, const char *path) {
    struct direct got = {.base = base};
    uint64_t used;
    if (++misses < MISSES)
        return;
    misses = 0;
    if (directory_direct(base, 0, path, strlen(path), &used, &got.node) != ERR_OK)
        return;
    got.length = used;
    struct direct *place = &places[next_place];
    for (struct direct *other = places; other < places + PLACES; other++)
        if (other->node && other->base == base && other->length == used && memcmp(other->prefix, path, used) == 0)
            place = other; // its paths lead out of it by a link: it stays
    if (used > PREFIX_BYTES || place != &places[next_place]) {
        slot_release(got.node);
        return;
    }
    memcpy(got.prefix, path, used);
    if (place->node)
        place_free(place);
    *place = got;
    next_place = (next_place + 1) % PLACES;
}

void direct_forget(cap_t base) {
    for (struct direct *place = places; place < places + PLACES; place++)
        if (place->node && place->base == base)
            place_free(place);
}
