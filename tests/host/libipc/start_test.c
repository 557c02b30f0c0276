// The startup block: found by name, arguments in order, and refused when anything in it leads outside.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/start/start.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                              \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

const volatile struct clock_page *ipc_clock_page;

// Slots that an earlier actor left filled, as the kernel would name them.
error_t system_call(int32_t number, struct ipc_registers *registers) {
    CHECK(number == SYS_CALL);
    static const uint64_t used[] = {11, 12, 40};
    for (unsigned i = 0; i < 3; i++) {
        if (used[i] >= registers->words[0]) {
            *registers = (struct ipc_registers){.tag = TAG(0, 5), .words = {used[i], 4}};
            return ERR_OK;
        }
    }
    *registers = (struct ipc_registers){.tag = (uint16_t)ERR_NOT_FOUND};
    return ERR_OK;
}

static const char strings[] = "prog\0-x\0two words\0HOME=/\0TERM=x";
enum { CAPABILITIES = 3, BYTES = sizeof(struct startup) + CAPABILITIES * sizeof(struct startup_capability) + sizeof(strings) };

static struct startup *make(void) {
    struct startup *startup = calloc(1, BYTES);
    *startup = (struct startup){.magic = STARTUP_MAGIC,
                                .version = STARTUP_VERSION,
                                .length = BYTES,
                                .message_page = 0x1000,
                                .capability_count = CAPABILITIES,
                                .capability_offset = sizeof(*startup),
                                .argument_count = 3,
                                .environment_count = 2,
                                .strings_offset = BYTES - sizeof(strings),
                                .strings_length = sizeof(strings)};
    struct startup_capability *table = (struct startup_capability *)(startup + 1);
    table[0] = (struct startup_capability){.name = "block0", .slot = 11};
    table[1] = (struct startup_capability){.name = "block", .slot = 12};
    table[2] = (struct startup_capability){.name = "block12", .slot = 13};
    memcpy((char *)startup + startup->strings_offset, strings, sizeof(strings));
    return startup;
}

static void test_sound(void) {
    struct startup *startup = make();
    CHECK(startup_accept(startup) == ERR_OK && startup_data() == startup);
    CHECK((uintptr_t)ipc_page == 0x1000);
    CHECK(startup_capability("block") == 12 && startup_capability("block0") == 11 && startup_capability("bloc") == 0);
    CHECK(startup_capability_numbered("block", 0) == 11 && startup_capability_numbered("block", 12) == 13);
    CHECK(startup_capability_numbered("block", 1) == 0);
    CHECK(startup_capability_numbered("a name that is longer than any", 1) == 0);
    CHECK(strcmp(startup_argument(0), "prog") == 0 && strcmp(startup_argument(2), "two words") == 0);
    CHECK(startup_argument(3) == NULL);
    CHECK(strcmp(startup_environment(1), "TERM=x") == 0 && startup_environment(2) == NULL);
    cap_t slot;
    CHECK(slot_take(&slot) == ERR_OK && slot == 10); // free, unlike those named
    CHECK(slot_take(&slot) == ERR_OK && slot == 14);
    startup->is_restart = 1;
    CHECK(startup_accept(startup) == ERR_OK);
    for (cap_t last = 14; last < 60; last = slot) {
        CHECK(slot_take(&slot) == ERR_OK && slot != 40);
        CHECK(slot == last + 1 || (last == 39 && slot == 41));
    }
    free(startup);
}

// One field wrong at a time, then random bytes in all of them.
static void test_unsound(void) {
    for (unsigned field = 0; field < 9; field++) {
        struct startup *startup = make();
        uint32_t *places[] = {&startup->version,        &startup->capability_count,  &startup->capability_offset,
                              &startup->argument_count, &startup->environment_count, &startup->strings_offset,
                              &startup->strings_length, (uint32_t *)&startup->magic, (uint32_t *)&startup->message_page};
        *places[field] = field == 8 ? 0 : 100000;
        CHECK(startup_accept(startup) == ERR_CORRUPT);
        free(startup);
    }
    CHECK(startup_accept(NULL) == ERR_CORRUPT);
    srandom(5);
    for (unsigned round = 0; round < 20000; round++) {
        struct startup *startup = make();
        for (unsigned flips = 0; flips < 3; flips++) {
            size_t at = 16 + (size_t)random() % (BYTES - 16);
            if (at >= offsetof(struct startup, length) && at < offsetof(struct startup, length) + 4)
                continue; // its true length is what its maker mapped
            ((unsigned char *)startup)[at] ^= (unsigned char)(1u << random() % 8);
        }
        if (startup_accept(startup) == ERR_OK) {
            (void)startup_capability("block");
            for (uint32_t i = 0; startup_argument(i) != NULL; i++)
                CHECK(strlen(startup_argument(i)) < BYTES);
            for (uint32_t i = 0; startup_environment(i) != NULL; i++)
                CHECK(strlen(startup_environment(i)) < BYTES);
        }
        free(startup);
    }
}

int main(void) {
    test_sound();
    test_unsound();
    printf("ok - startup blocks\n");
    return 0;
}
