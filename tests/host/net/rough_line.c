// See rough_line.h.
#include "tests/host/net/rough_line.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MAX = 8192, QUEUE_MICROSECONDS = 50000, OF = 10000 };

struct waiting {
    uint64_t at;
    bool inward;
    uint32_t length;
    uint8_t bytes[ROUGH_FRAME_MAX];
};

static uint64_t random_state, free_at[2];
static unsigned loss, delay, duplicate, corrupt, rate;
static void (*deliver)(bool inward, const uint8_t *bytes, uint32_t length);
static struct waiting *waiting[WAITING_MAX];
static uint32_t waiting_count;

uint64_t rough_line_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t random_below(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below == 0 ? 0 : (uint32_t)(random_state >> 33) % below;
}

bool rough_line_set(const char *text, void (*to)(bool inward, const uint8_t *bytes, uint32_t length)) {
    unsigned seed = 1;
    const struct {
        const char *name;
        unsigned *value;
    } words[] = {{"seed", &seed},           {"loss", &loss},       {"delay", &delay},
                 {"duplicate", &duplicate}, {"corrupt", &corrupt}, {"rate", &rate}};
    deliver = to;
    while (*text != 0) {
        bool known = false;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !known; i++) {
            size_t length = strlen(words[i].name);
            known = strncmp(text, words[i].name, length) == 0 && text[length] == '=';
            if (known)
                *words[i].value = (unsigned)strtoul(text + length + 1, NULL, 10);
        }
        if (!known)
            return false;
        text += strcspn(text, ",");
        text += *text == ',';
    }
    random_state = seed;
    return true;
}

static void put(bool inward, const uint8_t *bytes, uint32_t length, uint64_t at, uint64_t now) {
    if (at <= now || waiting_count == WAITING_MAX) {
        deliver(inward, bytes, length);
        return;
    }
    struct waiting *frame = malloc(sizeof(*frame));
    frame->at = at;
    frame->inward = inward;
    frame->length = length;
    memcpy(frame->bytes, bytes, length);
    waiting[waiting_count++] = frame;
}

void rough_line_pass(bool inward, const uint8_t *bytes, uint32_t length, uint64_t now) {
    uint8_t damaged[ROUGH_FRAME_MAX];
    uint64_t at = now;
    if (random_below(OF) < loss || length > ROUGH_FRAME_MAX)
        return;
    if (rate != 0) {
        uint64_t start = free_at[inward] > now ? free_at[inward] : now;
        if (start - now > QUEUE_MICROSECONDS * UINT64_C(1000))
            return;
        free_at[inward] = at = start + length * UINT64_C(1000000000) / rate;
    }
    if (random_below(OF) < corrupt) {
        memcpy(damaged, bytes, length);
        damaged[random_below(length)] ^= (uint8_t)(1 + random_below(255));
        bytes = damaged;
    }
    if (delay != 0)
        at += (delay / 2 + random_below(delay / 2 + 1)) * UINT64_C(1000);
    put(inward, bytes, length, at, now);
    if (random_below(OF) < duplicate)
        put(inward, bytes, length, at + random_below(delay + 1) * UINT64_C(1000), now);
}

uint64_t rough_line_run(uint64_t now) {
    uint64_t next = 0;
    for (uint32_t i = 0; i < waiting_count;) {
        struct waiting *frame = waiting[i];
        if (frame->at > now) {
            next = next == 0 || frame->at < next ? frame->at : next;
            i++;
            continue;
        }
        waiting[i] = waiting[--waiting_count];
        deliver(frame->inward, frame->bytes, frame->length);
        free(frame);
    }
    return next;
}
