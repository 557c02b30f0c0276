// Rings: entries arrive once and in order whatever the pace, signals are neither lost nor needless, and a
// peer that writes anything at all into the shared memory only breaks its own ring.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/transfer/byte_ring.h"
#include "libipc/transfer/ring_pair.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                              \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

enum { ENTRIES = 16, ENTRY_BYTES = 24 };

static uint64_t random_state = 7;

static uint32_t pick(uint32_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % limit;
}

static void *shared_create(uint64_t bytes) {
    void *memory = aligned_alloc(RING_LINE_BYTES, (bytes + 63) / 64 * 64);
    memset(memory, 0, (bytes + 63) / 64 * 64);
    return memory;
}

static void test_order(void) {
    uint64_t bytes = ring_bytes(ENTRIES, ENTRY_BYTES);
    void *memory = shared_create(bytes);
    struct ring producer, consumer;
    CHECK(ring_attach_producer(&producer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
    CHECK(ring_attach_consumer(&consumer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
    // Near the wrap of the positions.
    producer.position = producer.other = consumer.position = consumer.other = UINT32_MAX - 100;
    producer.shared->produced = producer.shared->consumed = UINT32_MAX - 100;
    uint32_t pushed = 0, popped = 0, signals = 0, sleeps = 0;
    while (popped < 20000) {
        unsigned char entry[ENTRY_BYTES] = {0};
        for (uint32_t burst = pick(ENTRIES + 4); burst != 0; burst--) {
            memcpy(entry, &pushed, sizeof(pushed));
            error_t error = ring_push(&producer, entry);
            CHECK(error == ERR_OK || (error == ERR_AGAIN && pushed - popped == ENTRIES));
            pushed += error == ERR_OK;
        }
        signals += ring_publish(&producer);
        for (uint32_t burst = pick(ENTRIES + 4); burst != 0; burst--) {
            uint32_t value;
            error_t error = ring_pop(&consumer, entry);
            memcpy(&value, entry, sizeof(value));
            CHECK((error == ERR_OK && value == popped) || (error == ERR_AGAIN && pushed == popped));
            popped += error == ERR_OK;
        }
        ring_release(&consumer);
        if (pushed == popped && ring_sleep(&consumer))
            sleeps++;
        if (pick(50) == 0) // a new actor goes on where the old one was
            CHECK(ring_attach_producer(&producer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
        if (pick(50) == 0)
            CHECK(ring_attach_consumer(&consumer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
    }
    CHECK(signals <= sleeps && signals + 1 >= sleeps / 2 && signals != 0);
    free(memory);
    printf("ok - order, wrap, signals only to sleepers\n");
}

// Two threads that sleep whenever the ring allows it: a lost signal would hang them.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned bells[2];

static void bell_ring(unsigned which) {
    pthread_mutex_lock(&mutex);
    bells[which]++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void bell_wait(unsigned which) {
    pthread_mutex_lock(&mutex);
    while (bells[which] == 0)
        pthread_cond_wait(&changed, &mutex);
    bells[which] = 0;
    pthread_mutex_unlock(&mutex);
}

enum { PASSED = 200000 };

static void *produce(void *argument) {
    struct ring *ring = argument;
    for (uint64_t i = 0; i < PASSED;) {
        uint64_t entry[3] = {i, i, i};
        error_t error = ring_push(ring, entry);
        i += error == ERR_OK;
        if (error == ERR_AGAIN || i % 7 == 0 || i == PASSED)
            if (ring_publish(ring))
                bell_ring(0);
        if (error == ERR_AGAIN)
            bell_wait(1);
    }
    return NULL;
}

static void test_threads(void) {
    uint64_t bytes = ring_bytes(ENTRIES, ENTRY_BYTES);
    void *memory = shared_create(bytes);
    struct ring producer, consumer;
    CHECK(ring_attach_producer(&producer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
    CHECK(ring_attach_consumer(&consumer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
    pthread_t thread;
    pthread_create(&thread, NULL, produce, &producer);
    for (uint64_t expected = 0; expected < PASSED;) {
        uint64_t entry[3];
        if (ring_pop(&consumer, entry) == ERR_OK) {
            CHECK(entry[0] == expected && entry[2] == expected);
            expected++;
        } else {
            if (ring_release(&consumer))
                bell_ring(1);
            if (ring_sleep(&consumer))
                bell_wait(0);
        }
    }
    if (ring_release(&consumer))
        bell_ring(1);
    pthread_join(thread, NULL);
    free(memory);
    printf("ok - two threads, no lost signal\n");
}

static void test_liar(void) {
    uint64_t bytes = ring_bytes(ENTRIES, ENTRY_BYTES);
    uint32_t broken = 0;
    for (uint32_t round = 0; round < 5000; round++) {
        void *memory = shared_create(bytes);
        struct ring producer, consumer;
        CHECK(ring_attach_producer(&producer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
        CHECK(ring_attach_consumer(&consumer, memory, bytes, ENTRIES, ENTRY_BYTES) == ERR_OK);
        for (uint32_t step = 0; step < 30; step++) {
            unsigned char entry[ENTRY_BYTES] = {0};
            error_t error = pick(2) == 0 ? ring_push(&producer, entry) : ring_pop(&consumer, entry);
            CHECK(error == ERR_OK || error == ERR_AGAIN || error == ERR_CORRUPT);
            (void)ring_publish(&producer);
            (void)ring_release(&consumer);
            uint32_t *word = (uint32_t *)memory + pick(sizeof(struct ring_shared) / 4);
            *word = pick(3) == 0 ? pick(2 * ENTRIES) : pick(2) == 0 ? 0u - pick(40) : pick(UINT32_MAX);
            CHECK(ring_room(&producer) <= ENTRIES && ring_filled(&consumer) <= ENTRIES);
        }
        broken += producer.broken || consumer.broken;
        unsigned char last[ENTRY_BYTES] = {0};
        CHECK(!producer.broken || ring_push(&producer, last) == ERR_CORRUPT);
        free(memory);
    }
    CHECK(broken > 1000);
    struct ring ring;
    _Alignas(64) static unsigned char small[128 + 64];
    CHECK(ring_attach_producer(&ring, small, sizeof(small), 3, 8) == ERR_INVALID);
    CHECK(ring_attach_producer(&ring, small, sizeof(small), 16, 8) == ERR_INVALID);
    CHECK(ring_attach_producer(&ring, small + 8, 184, 4, 8) == ERR_INVALID);
    ((struct ring_shared *)(void *)small)->produced = 99;
    CHECK(ring_attach_consumer(&ring, small, sizeof(small), 4, 8) == ERR_CORRUPT);
    printf("ok - a lying peer: %u of 5000 rings broken, nothing else\n", broken);
}

static void test_bytes(void) {
    uint64_t bytes = ring_bytes(64, BYTE_RING_UNIT);
    void *memory = shared_create(bytes);
    struct ring producer, consumer;
    CHECK(ring_attach_producer(&producer, memory, bytes, 64, BYTE_RING_UNIT) == ERR_OK);
    CHECK(ring_attach_consumer(&consumer, memory, bytes, 64, BYTE_RING_UNIT) == ERR_OK);
    uint32_t written = 0, read = 0, dropped = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        unsigned char record[BYTE_RING_RECORD_MAX];
        uint32_t length = pick(120), got;
        bool wanted;
        memset(record, (int)(written % 251), length);
        bool fits = byte_ring_write(&producer, record, length, &wanted);
        written += fits;
        dropped += !fits;
        while (pick(3) != 0) {
            error_t error = byte_ring_read(&consumer, record, 100, &got);
            if (error == ERR_AGAIN)
                break;
            CHECK(error == (got <= 100 ? ERR_OK : ERR_TOO_BIG));
            for (uint32_t i = 0; error == ERR_OK && i < got; i++)
                CHECK(record[i] == read % 251);
            read++;
        }
        (void)ring_release(&consumer);
    }
    CHECK(read <= written && read + 64 > written && dropped == producer.shared->dropped && dropped != 0);
    uint64_t lie = 1 << 20;
    while (ring_pop(&consumer, &(uint64_t){0}) == ERR_OK)
        (void)ring_release(&consumer);
    CHECK(ring_push(&producer, &lie) == ERR_OK);
    (void)ring_publish(&producer);
    uint32_t got;
    unsigned char record[16];
    CHECK(byte_ring_read(&consumer, record, sizeof(record), &got) == ERR_CORRUPT);
    free(memory);
    printf("ok - byte rings: %u records, %u dropped\n", read, dropped);
}

static void test_pair(void) {
    struct ring_pair_layout layout = ring_pair_layout(8, 40, 16);
    CHECK(layout.bytes == 4096 && layout.completion_offset % 64 == 0);
    CHECK(ring_pair_layout(7, 40, 16).bytes == 0);
    void *memory = shared_create(layout.bytes);
    struct ring_pair client = {0}, server = {0};
    CHECK(ring_pair_attach_client(&client, memory, layout.bytes, 8, 40, 16) == ERR_OK);
    CHECK(ring_pair_attach_server(&server, memory, layout.bytes, 8, 40, 16) == ERR_OK);
    CHECK(ring_pair_attach_server(&server, memory, 1000 - 512, 8, 40, 16) == ERR_INVALID);
    CHECK(ring_pair_attach_server(&server, memory, layout.bytes, 8, 40, 16) == ERR_OK);
    unsigned char request[40] = "request", completion[16] = "done";
    CHECK(ring_push(&client.requests, request) == ERR_OK);
    CHECK(!ring_publish(&client.requests));
    CHECK(ring_pop(&server.requests, request) == ERR_OK && memcmp(request, "request", 8) == 0);
    CHECK(ring_push(&server.completions, completion) == ERR_OK);
    (void)ring_publish(&server.completions);
    CHECK(ring_pop(&client.completions, completion) == ERR_OK && memcmp(completion, "done", 5) == 0);
    free(memory);
    printf("ok - ring pairs\n");
}

error_t system_call(int32_t number, struct ipc_registers *registers) {
    (void)number, (void)registers;
    abort();
}

error_t notification_signal(cap_t notification, uint64_t bits) {
    (void)notification, (void)bits;
    return ERR_OK;
}

int main(void) {
    test_order();
    test_threads();
    test_liar();
    test_bytes();
    test_pair();
    return 0;
}
