// The records of a handover: what is put is found, by class and in order; other versions and shorter records
// are refused; memory that is too small says so; damage is noticed.
#include <stdlib.h>
#include <string.h>

#include "libipc/server/handover.h"
#include "libipc/server/session_table.h"
#include "tests/host/servers/check.h"

unsigned long check_seed, check_step;

enum { BYTES = 16384, VERSION = 3 };

struct record {
    uint64_t a, b;
};

static void test_records(void *memory) {
    struct handover handover = {0};
    struct handover_view view = {0};
    struct record record, found;
    CHECK(state_format(&handover.state, memory, BYTES, 1) == ERR_OK);
    for (uint64_t i = 0; i < 20; i++) {
        record = (struct record){i, i * i};
        CHECK(handover_put(&handover, 1 + i % 2, VERSION, i, &record, sizeof(record)) == ERR_OK);
    }
    struct handover opened = {0};
    CHECK(state_open(&opened.state, memory, BYTES, 1) == ERR_OK && opened.state.damaged == 0);
    uint64_t expected = 1;
    while (handover_next(&opened, 2, &view) == ERR_OK) {
        CHECK(view.view.key == expected && handover_read(&view, VERSION, &found, sizeof(found)) == ERR_OK);
        CHECK(found.a == expected && found.b == expected * expected);
        CHECK(handover_read(&view, VERSION + 1, &found, sizeof(found)) == ERR_NOT_SUPPORTED);
        CHECK(handover_read(&view, VERSION, &found, sizeof(found) + 1) == ERR_NOT_SUPPORTED);
        expected += 2;
    }
    CHECK(expected == 21);
}

static void test_full(void *memory) {
    static unsigned char large[BYTES];
    struct handover handover = {0};
    CHECK(state_format(&handover.state, memory, BYTES, 1) == ERR_OK);
    CHECK(handover_put(&handover, 1, 1, 0, large, 64) == ERR_OK && !handover.is_full);
    CHECK(handover_put(&handover, 1, 1, 0, large, sizeof(large)) == ERR_NO_SPACE && handover.is_full);
}

static void test_damage(unsigned char *memory) {
    struct handover handover = {0};
    const struct record record = {1, 2};
    CHECK(state_format(&handover.state, memory, BYTES, 1) == ERR_OK);
    for (uint64_t i = 0; i < 10; i++)
        CHECK(handover_put(&handover, 1, 1, i, &record, sizeof(record)) == ERR_OK);
    uint32_t noticed = 0;
    for (size_t at = 128; at < 1024; at += 8) { // in the midst of the records
        struct handover opened = {0};
        static unsigned char copy[BYTES] __attribute__((aligned(64)));
        memcpy(copy, memory, BYTES);
        copy[at] ^= 1;
        error_t error = state_open(&opened.state, copy, BYTES, 1);
        noticed += error != ERR_OK || opened.state.damaged != 0 || opened.state.records != 10;
    }
    CHECK(noticed >= 20); // of 112 places; what lies in copies that are not selected does not count
}

// Badges that clients hold, and that no record knows, are not given again.
static void test_badges(void) {
    struct session_entry entries[8] = {0};
    struct session_table table;
    uint64_t badge;
    session_table_initialize(&table, entries, 8);
    CHECK(session_table_insert(&table, entries, &badge) == ERR_OK && badge == 1);
    CHECK(session_table_remove(&table, badge) != NULL);
    session_table_avoid(&table, UINT64_C(5) << 32 | 1);
    CHECK(session_table_insert(&table, entries, &badge) == ERR_OK && badge == (UINT64_C(6) << 32 | 1));
    session_table_avoid(&table, UINT64_C(9) << 32 | 1); // it is in use
    CHECK(session_table_find(&table, badge) != NULL);
}

int main(void) {
    void *memory = aligned_alloc(64, BYTES);
    test_records(memory);
    test_full(memory);
    test_damage(memory);
    test_badges();
    free(memory);
    return 0;
}
