// The layout of several datagrams in one buffer (libipc/transfer/datagrams.h): what one side wrote is found again; of whatever
// else lies there nothing outside of the buffer is ever read. Buffers are exactly as long as said, so the sanitizer sees a byte
// too many.
#include "libipc/transfer/datagrams.h"

#include <stdlib.h>
#include <string.h>

#include "tests/host/net/wire.h"

enum { TURNS = 200000, LONGEST = 4096 };

static volatile uint32_t sum; // so that the compiler leaves no reading out

// All that was promised is read.
static uint32_t walk(const uint8_t *buffer, uint64_t places, uint64_t count) {
    const struct socket_datagram *table = (const void *)buffer;
    uint64_t at = datagrams_table(places);
    uint32_t bytes = 0;
    for (uint64_t i = 0; i < count; i++) {
        for (uint32_t byte = 0; byte < table[i].length; byte++)
            bytes += buffer[at + byte];
        at = datagrams_behind(at, table[i].length);
    }
    return bytes;
}

static bool try(const void *bytes, uint64_t size, uint64_t places, uint64_t count) {
    uint8_t *exact = malloc(size != 0 ? size : 1);
    memcpy(exact, bytes, size);
    bool fits = datagrams_fit(exact, size, places, count);
    if (fits)
        sum += walk(exact, places, count);
    free(exact);
    return fits;
}

static void wrong_ones_are_refused(void) {
    static struct socket_datagram table[DATAGRAMS_MOST + 1];
    const uint64_t size = sizeof(table), two = datagrams_table(2);
    CHECK(try(table, 0, 0, 0) && try(table, two, 2, 2) && try(table, two, 2, 0));
    CHECK(!try(table, two - 1, 2, 2) && !try(table, 0, 1, 0) && !try(table, two, 1, 2));
    CHECK(try(table, size, DATAGRAMS_MOST, DATAGRAMS_MOST) && !try(table, size, DATAGRAMS_MOST + 1, 1));
    CHECK(!try(table, size, UINT64_MAX, 1) && !try(table, size, UINT64_MAX / 32, 1) && !try(table, size, 1, UINT64_MAX));
    CHECK(!try(table, size, UINT64_C(1) << 59, 0)); // times 32 it is 0
    table[0].length = 5;
    table[1].length = 3;
    CHECK(try(table, two + 11, 2, 2) && !try(table, two + 10, 2, 2) && !try(table, two + 7, 2, 2) && !try(table, two + 4, 2, 2));
    CHECK(try(table, two + 5, 2, 1) && !try(table, two + 5, 2, 2));
    table[1].length = 0;
    CHECK(try(table, two + 8, 2, 2) && !try(table, two + 5, 2, 2)); // it begins behind the end
    table[1].length = UINT32_MAX;
    CHECK(!try(table, size, 2, 2));
    table[0].length = UINT32_MAX - 6;
    CHECK(!try(table, size, 2, 2));
}

static void whatever_lies_there(void) {
    static uint8_t bytes[LONGEST];
    uint32_t fitted = 0;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        struct socket_datagram *table = (void *)bytes;
        uint32_t places = wire_random(DATAGRAMS_MOST + 2), size = wire_random(LONGEST);
        for (uint32_t i = 0; i < places && datagrams_table(i + 1) <= LONGEST; i++)
            table[i].length = wire_random(8) != 0 ? wire_random(100) : wire_random(UINT32_MAX);
        fitted += try(bytes, size, places, wire_random(places + 2));
    }
    CHECK(fitted > TURNS / 20 && fitted < TURNS / 2);
}

int main(void) {
    wrong_ones_are_refused();
    whatever_lies_there();
    return 0;
}
