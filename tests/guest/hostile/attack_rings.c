// Attacks by rings shared with the disk driver, through a session of a partition of one's own.
#include "libipc/protocols/block.h"
#include "libipc/transfer/ring_pair.h"
#include "tests/guest/hostile/hostile.h"

enum { ENTRIES = 32, BUFFER_BYTES = 1 << 16 };

static struct ring_pair pair;
static volatile uint32_t *ring_words; // the shared memory
static uint64_t ring_word_count, buffer_id;
static cap_t driver, own, ring_memory, buffer_memory;

static void attach(void) {
    struct ring_pair_layout layout = ring_pair_layout(ENTRIES, sizeof(struct block_request), sizeof(struct block_completion));
    own = new_notification();
    ring_memory = new_memory(layout.bytes);
    ring_words = map_memory(ring_memory, layout.bytes, MAP_FLAG_READ | MAP_FLAG_WRITE);
    ring_word_count = layout.bytes / 4;
    must(ring_pair_attach_client(&pair, (void *)(uintptr_t)ring_words, layout.bytes, ENTRIES, sizeof(struct block_request),
                                 sizeof(struct block_completion)),
         "own rings");
    must(block_attach_rings(block, ENTRIES, 1, ring_memory, own, &pair.peer_bits, &driver), "attaching rings");
    pair.peer = driver;
    buffer_memory = new_memory(BUFFER_BYTES);
    must(block_attach_buffer(block, buffer_memory, &buffer_id), "attaching a buffer");
}

static struct block_request request(uint64_t i) {
    return (struct block_request){.cookie = i,
                                  .sector = i % 64,
                                  .offset = i % 16 * 4096,
                                  .count = 8,
                                  .operation = BLOCK_OPERATION_READ + (i & 1),
                                  .buffer = (uint32_t)buffer_id};
}

// Fills the ring, takes what came back.
static void turn(struct block_request (*make)(uint64_t)) {
    static uint64_t number;
    struct block_completion completion;
    for (int i = 0; i < ENTRIES; i++, number++) {
        struct block_request next = make(number);
        if (ring_push(&pair.requests, &next) != ERR_OK)
            break;
    }
    ring_pair_flush_client(&pair);
    (void)notification_signal(driver, pair.peer_bits);
    while (ring_pop(&pair.completions, &completion) == ERR_OK)
        progress();
}

static void side_scribbles(struct message_page *page) {
    (void)page;
    for (;;) // not the positions, which would end it at once
        ring_words[32 + random_word() % (ring_word_count - 32)] = (uint32_t)random_word();
}

static void descriptors_changed(struct actor *actor) {
    (void)actor;
    attach();
    side_start(side_scribbles, PRIORITY);
    for (;;)
        turn(request);
}

static void positions_lie(struct actor *actor) {
    (void)actor;
    attach();
    turn(request);
    for (;; progress()) {
        ring_words[random_word() % 32] = (uint32_t)random_word();
        ring_words[ring_word_count / 2 + random_word() % 64] = (uint32_t)random_word();
        (void)notification_signal(driver, pair.peer_bits);
        turn(request);
    }
}

static struct block_request lie(uint64_t i) {
    static const uint64_t values[] = {0,
                                      1,
                                      8,
                                      63,
                                      512,
                                      4096,
                                      65536,
                                      1 << 20,
                                      UINT32_MAX,
                                      UINT64_C(1) << 32,
                                      UINT64_C(1) << 55,
                                      UINT64_MAX,
                                      UINT64_MAX - 7,
                                      UINT64_MAX / 512};
    struct block_request made = request(i);
    switch (random_word() % 5) {
    case 0:
        made.sector = values[random_word() % 14];
        break;
    case 1:
        made.offset = values[random_word() % 14];
        break;
    case 2:
        made.count = (uint32_t)values[random_word() % 14];
        break;
    case 3:
        made.operation = (uint32_t)values[random_word() % 14];
        break;
    default:
        made.buffer = (uint32_t)values[random_word() % 14];
        break;
    }
    return made;
}

static void requests_lie(struct actor *actor) {
    (void)actor;
    attach();
    for (;;)
        turn(lie);
}

// The memory of rings and buffers is given up, taken back and detached while requests are under way.
static void memory_taken_back(struct actor *actor) {
    (void)actor;
    attach();
    for (uint64_t i = 0;; i++) {
        turn(request);
        (void)memory_discard(buffer_memory, 0, BUFFER_BYTES);
        (void)block_detach_buffer(block, buffer_id);
        (void)block_attach_buffer(block, buffer_memory, &buffer_id);
        if (i % 8 == 7) {
            turn(request);
            (void)process_slot_revoke(SLOT_SELF, buffer_memory);
            (void)block_attach_buffer(block, buffer_memory, &buffer_id);
        }
        if (i == 200)
            (void)memory_discard(ring_memory, 0, PAGE);
        if (i == 220)
            (void)process_slot_revoke(SLOT_SELF, ring_memory);
        progress();
    }
}

static void signal_storm(struct actor *actor) {
    (void)actor;
    attach();
    for (;; progress())
        (void)notification_signal(driver, UINT64_MAX);
}

// Rings and buffers that a pager of our own would have to bring, that are too small, that are no memory.
static void false_memory(struct actor *actor) {
    cap_t home, session = silent_session(&home), paged, small = new_memory(PAGE);
    uint64_t bits;
    (void)actor;
    must(account_create_paged(SLOT_ACCOUNT, BUFFER_BYTES, session, &paged), "paged memory");
    own = new_notification();
    for (uint64_t i = 0;; i++) {
        progress();
        const cap_t sent[] = {paged, session, SLOT_SELF, small, own};
        (void)block_attach_rings(block, i & 1 ? 4096 : 256 + (i & 2), 1, sent[i % 5], own, &bits, NULL);
        (void)block_attach_rings(block, UINT64_C(1) << (8 + (i & 55)), 1, small, sent[i % 4], &bits, NULL);
        if (i == 50)
            attach();
        if (block_attach_buffer(block, sent[i % 5], &buffer_id) != ERR_OK)
            continue;
        if (i >= 50)
            turn(request);
        (void)block_detach_buffer(block, buffer_id);
    }
}

const struct attack ring_attacks[] = {{"ring descriptors changed while they are read", descriptors_changed, false, 0},
                                      {"ring positions that lie", positions_lie, false, 0},
                                      {"ring requests that lie", requests_lie, false, 0},
                                      {"the memory of rings and buffers taken back in use", memory_taken_back, false, 0},
                                      {"a signal storm", signal_storm, false, 0},
                                      {"false memory for rings and buffers", false_memory, false, 0},
                                      {0}};
