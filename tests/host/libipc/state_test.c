// State memory, stopped at every store: a snapshot taken there opens without damage, and holds each record as
// it was before or after the operation that was cut. Then bits are flipped: whatever still opens was once
// committed.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/state/crc32c.h"
#include "libipc/state/state.h"
#include "libipc/state/store.h"

enum { MEMORY_BYTES = 16 * 1024, KEYS = 12, DATA_MAX = 200, OPERATIONS = 400, VERSION = 3 };

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: operation %u: failed: %s\n", __FILE__, __LINE__, operation, #condition);                     \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

struct model {
    uint32_t class, length, record;
    unsigned char data[DATA_MAX];
};

static unsigned operation;
static uint64_t random_state = 1;
static unsigned char *memory, *snapshot;
static struct model before[KEYS], after[KEYS];
static bool watching;
static uint64_t stores;

static uint32_t pick(uint32_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % limit;
}

static bool matches(const struct state *state, const struct model *model) {
    uint32_t count = 0;
    struct state_view view = {0};
    while (state_next(state, 0, view.record, &view) == ERR_OK) {
        if (view.key >= KEYS)
            return false;
        const struct model *wanted = &model[view.key];
        if (wanted->class != view.class || wanted->length != view.length || memcmp(wanted->data, view.data, view.length) != 0)
            return false;
        count++;
    }
    for (unsigned key = 0; key < KEYS; key++)
        count -= model[key].class != 0;
    return count == 0;
}

static void look(void) {
    stores++;
    if (!watching)
        return;
    memcpy(snapshot, memory, MEMORY_BYTES);
    struct state state;
    CHECK(state_open(&state, snapshot, MEMORY_BYTES, VERSION) == ERR_OK);
    CHECK(state.damaged == 0);
    CHECK(matches(&state, before) || matches(&state, after));
}

void state_store_bytes(void *to, const void *from, uint64_t length) {
    bool mine = (unsigned char *)to >= memory && (unsigned char *)to < memory + MEMORY_BYTES;
    for (uint64_t offset = 0; offset < length; offset += 8) {
        uint64_t part = length - offset < 8 ? length - offset : 8;
        memcpy((char *)to + offset, (const char *)from + offset, part);
        if (mine)
            look();
    }
}

void state_store_word(uint32_t *to, uint32_t value) {
    memcpy(to, &value, sizeof(value));
    if ((unsigned char *)to >= memory && (unsigned char *)to < memory + MEMORY_BYTES)
        look();
}

static void fill(struct model *model) {
    model->length = pick(DATA_MAX + 1);
    for (uint32_t i = 0; i < model->length; i++)
        model->data[i] = (unsigned char)pick(256);
}

static void one_operation(struct state *state) {
    uint32_t key = pick(KEYS);
    memcpy(after, before, sizeof(after));
    struct model *model = &after[key];
    error_t error;
    if (model->class == 0) {
        model->class = 1 + pick(3);
        fill(model);
        error = state_create(state, model->class, 1, key, model->length + pick(64), model->data, model->length, &model->record);
        if (error == ERR_NO_SPACE)
            memcpy(after, before, sizeof(after));
    } else if (pick(3) == 0) {
        uint32_t record = model->record;
        *model = (struct model){0};
        error = state_remove(state, record);
    } else {
        struct model old = *model;
        fill(model);
        error = state_commit(state, model->record, 2, model->data, model->length);
        if (error == ERR_TOO_BIG)
            *model = old;
    }
    CHECK(error == ERR_OK || error == ERR_TOO_BIG || error == ERR_NO_SPACE);
    memcpy(before, after, sizeof(before));
    CHECK(matches(state, before));
}

static void test_cuts(void) {
    struct state state;
    memset(memory, 0, MEMORY_BYTES);
    CHECK(state_open(&state, memory, MEMORY_BYTES, VERSION) == ERR_OK && state.records == 0);
    watching = true;
    for (operation = 0; operation < OPERATIONS; operation++) {
        one_operation(&state);
        if (operation % 50 == 49) // the next actor
            CHECK(state_open(&state, memory, MEMORY_BYTES, VERSION) == ERR_OK);
    }
    watching = false;
    CHECK(stores > OPERATIONS * 5);
    uint32_t of_class = 0;
    for (unsigned key = 0; key < KEYS; key++)
        of_class += before[key].class == 2;
    CHECK(state_drop_class(&state, 2) == of_class);
    CHECK(state_drop_class(&state, 2) == 0);
    printf("ok - a cut at each of %llu stores\n", (unsigned long long)stores);
}

static void test_damage(void) {
    memset(before, 0, sizeof(before));
    struct state state;
    CHECK(state_format(&state, memory, MEMORY_BYTES, VERSION) == ERR_OK);
    for (operation = 0; operation < 60; operation++)
        one_operation(&state);
    unsigned char *good = malloc(MEMORY_BYTES);
    memcpy(good, memory, MEMORY_BYTES);
    uint32_t corrupt = 0, damaged = 0;
    for (operation = 0; operation < 20000; operation++) {
        memcpy(memory, good, MEMORY_BYTES);
        for (uint32_t flips = 1 + pick(4); flips != 0; flips--)
            memory[pick(MEMORY_BYTES)] ^= (unsigned char)(1u << pick(8));
        if (state_open(&state, memory, MEMORY_BYTES, VERSION) != ERR_OK) {
            corrupt++;
            continue;
        }
        damaged += state.damaged != 0;
        struct state_view view = {0};
        while (state_next(&state, 0, view.record, &view) == ERR_OK)
            CHECK(view.length <= DATA_MAX && view.key < KEYS && view.class <= 3);
        uint32_t record;
        error_t error = state_create(&state, 1, 1, 0, 40, "0123456789", 10, &record);
        CHECK(error == ERR_NO_SPACE ||
              (error == ERR_OK && state_read(&state, record, &view) == ERR_OK && memcmp(view.data, "0123456789", 10) == 0));
    }
    CHECK(corrupt != 0 && damaged != 0);
    memcpy(memory, good, MEMORY_BYTES);
    CHECK(state_open(&state, memory, MEMORY_BYTES, VERSION + 1) == ERR_CORRUPT);
    CHECK(state_open(&state, memory, MEMORY_BYTES / 2, VERSION) == ERR_CORRUPT);
    for (uint32_t i = 0; i < MEMORY_BYTES; i++)
        memory[i] = (unsigned char)pick(256);
    CHECK(state_open(&state, memory, MEMORY_BYTES, VERSION) == ERR_CORRUPT);
    CHECK(state_format(&state, memory, MEMORY_BYTES, VERSION) == ERR_OK);
    CHECK(state_open(&state, memory, MEMORY_BYTES, VERSION) == ERR_OK && state.records == 0 && state.damaged == 0);
    free(good);
    printf("ok - flipped bits: %u refused, %u repaired\n", corrupt, damaged);
}

int main(void) {
    memory = aligned_alloc(64, MEMORY_BYTES);
    snapshot = aligned_alloc(64, MEMORY_BYTES);
    CHECK(crc32c(0, "123456789", 9) == 0xe3069283); // RFC 3720, appendix B.4
    test_cuts();
    test_damage();
    free(memory);
    free(snapshot);
    return 0;
}
