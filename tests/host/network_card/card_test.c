// Network drivers over modelled cards: frames go both ways between a client's rings and the cable, in many
// random orders of events. In each order the driver ends again and again before one of its stores to memory,
// and a new actor takes the card over. Every frame must arrive whole, once, in order, and no memory be given
// back while the card may read or write it.
#include <assert.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/framework/mmio.h"
#include "drivers/framework/report.h"
#include "drivers/net/service/rings.h"
#include "tests/host/network_card/model.h"

enum {
    ENTRIES = 64,
    ROUNDS = 4000,
    CALM_ROUNDS = 1000,
    SUM_START = 34,
    SUM_OFFSET = 6,
    DMA_OFFSET = 0,
    BUFFER_OFFSET = 128 * 1024,
    ROOMS_BYTES = ENTRIES * 2048,
    SEND_STRIDE = 2048, // two pieces at most in one
    BUFFER_BYTES = ROOMS_BYTES + ENTRIES * SEND_STRIDE,
};

unsigned char arena[ARENA_BYTES] __attribute__((aligned(4096)));
unsigned char model_registers[MODEL_BAR_BYTES];
struct model *model;

static uint64_t seed;
static struct nic_card card;
static struct nic_card_state state;
static _Alignas(4096) unsigned char ring_memory[64 * 1024];
static struct nic_rings client;
static jmp_buf actor_end;
static bool armed; // the driver's code runs, and may end
static uint32_t stores_left, kills, signals;
enum { DRIVER = 1, CLIENT = 2 }; // notifications
static bool told[3];             // what has a signal that was not taken

static uint32_t sent, sent_done, cabled; // frames: pushed, completed; seen on the cable
static uint32_t pushed, completed;       // entries of the ring to send
static uint32_t ends_frame[ENTRIES];     // by entry: number of the frame that it ends, plus 1
static bool expect_error[ENTRIES];
static uint32_t rooms_given, rooms_back, received,
    arrived; // rooms; frames that the client got, that the cable brought
static bool cable_rests;

uint32_t chance(uint32_t below) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(seed >> 33) % below;
}

// --- what the driver is told by the platform

void report_line(enum report_level level, const char *line) {
    (void)level;
    fprintf(stderr, "%s\n", line);
    abort(); // this client does not break its rings
}

error_t notification_signal(cap_t notification, uint64_t bits) {
    (void)bits;
    told[notification] = true;
    signals++;
    return ERR_OK;
}

error_t nic_card_region(struct nic_card *of, uint32_t index, volatile void **registers, uint64_t *length) {
    (void)of;
    (void)index;
    *registers = model_registers;
    *length = sizeof(model_registers);
    return ERR_OK;
}

uint32_t nic_card_config(const struct nic_card *of, uint32_t offset, uint32_t width) {
    (void)of;
    return model->config(offset, width);
}

void *model_memory(uint64_t physical, uint64_t bytes) {
    assert(physical >= ARENA_PHYSICAL && physical - ARENA_PHYSICAL <= ARENA_BYTES - bytes);
    return arena + (physical - ARENA_PHYSICAL);
}

static uint32_t model_read(volatile void *registers, uint32_t offset, uint32_t width) {
    return model->read((uint32_t)((volatile unsigned char *)registers - model_registers) + offset, width);
}

static void model_write(volatile void *registers, uint32_t offset, uint32_t width, uint32_t value) {
    model->write((uint32_t)((volatile unsigned char *)registers - model_registers) + offset, width, value);
}

uint8_t mmio_read8(volatile void *registers, uint32_t offset) {
    return (uint8_t)model_read(registers, offset, 1);
}
uint16_t mmio_read16(volatile void *registers, uint32_t offset) {
    return (uint16_t)model_read(registers, offset, 2);
}
uint32_t mmio_read32(volatile void *registers, uint32_t offset) {
    return model_read(registers, offset, 4);
}
void mmio_write8(volatile void *registers, uint32_t offset, uint8_t value) {
    model_write(registers, offset, 1, value);
}
void mmio_write16(volatile void *registers, uint32_t offset, uint16_t value) {
    model_write(registers, offset, 2, value);
}
void mmio_write32(volatile void *registers, uint32_t offset, uint32_t value) {
    model_write(registers, offset, 4, value);
}

// --- the end of an actor: the compiler calls this before each store of the driver's code

static void store(void) {
    if (armed && stores_left != 0 && --stores_left == 0) {
        armed = false;
        kills++;
        longjmp(actor_end, 1);
    }
}

#define STORE(bytes, type)                                                                                                       \
    void __sanitizer_cov_store##bytes(type *place);                                                                              \
    void __sanitizer_cov_store##bytes(type *place) {                                                                             \
        (void)place;                                                                                                             \
        store();                                                                                                                 \
    }
STORE(1, uint8_t)
STORE(2, uint16_t)
STORE(4, uint32_t)
STORE(8, uint64_t)
STORE(16, __int128)

// --- frames

static uint32_t frame_length(uint32_t number, bool out) {
    uint32_t mixed = (number * 2 + out) * 2654435761u;
    return 14 + (mixed >> 7) % 1500;
}

static void frame_fill(unsigned char *frame, uint32_t number, bool out) {
    uint32_t length = frame_length(number, out);
    for (uint32_t i = 0; i < length; i++)
        frame[i] = (unsigned char)(number * 31 + i * 7 + out);
}

// Whether the card is asked to fill in a sum, and where it begins: at one of two places.
static uint32_t sum_start(uint32_t number) {
    bool has = (card.features & NIC_FEATURE_CHECKSUM_SEND) && number % 3 == 0 && frame_length(number, true) >= 64;
    return has ? SUM_START + number / 3 % 2 * 8 : 0;
}

static void frame_check(const unsigned char *frame, uint32_t length, uint32_t number, bool out) {
    unsigned char expected[MODEL_FRAME_MOST];
    frame_fill(expected, number, out);
    uint32_t start = out ? sum_start(number) : 0, sum = 0;
    for (uint32_t i = start; start != 0 && i < length; i++)
        sum += (i - start) % 2 ? expected[i] : (uint32_t)expected[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    if (start != 0) {
        expected[start + SUM_OFFSET] = (unsigned char)(~sum >> 8);
        expected[start + SUM_OFFSET + 1] = (unsigned char)~sum;
    }
    assert(length == frame_length(number, out) && memcmp(frame, expected, length) == 0);
}

void cable_take(const unsigned char *frame, uint32_t length) {
    assert(cabled < sent);
    frame_check(frame, length, cabled++, true);
}

static void cable_bring(void) {
    unsigned char frame[MODEL_FRAME_MOST];
    if (cable_rests)
        return;
    frame_fill(frame, arrived, false);
    arrived += model->receive(frame, frame_length(arrived, false));
}

// --- the client

static unsigned char *buffer(uint32_t offset) {
    return arena + BUFFER_OFFSET + offset;
}

static void rooms_push(void) {
    while (rooms_given - rooms_back < ENTRIES && chance(4) != 0) {
        struct nic_frame room = {.offset = rooms_given % ENTRIES * 2048, .length = 2048, .buffer = 1};
        assert(ring_push(&client.receive.requests, &room) == ERR_OK);
        rooms_given++;
    }
}

static void rooms_take(void) {
    struct nic_done done;
    while (ring_pop(&client.receive.completions, &done) == ERR_OK) {
        unsigned char *room = buffer(rooms_back++ % ENTRIES * 2048);
        assert(done.flags == 0);
        uint32_t prefix = model == &virtio_model ? sizeof(struct nic_prefix) : 0; // NIC_FEATURE_PREFIX
        frame_check(room + prefix, done.length - prefix, received++, false);
        memset(room, 0xee, 2048); // it is ours: the card must not look at it any more
    }
}

static void entry_push(const struct nic_frame *frame, uint32_t ends, bool wrong) {
    assert(ring_push(&client.transmit.requests, frame) == ERR_OK);
    ends_frame[pushed % ENTRIES] = ends;
    expect_error[pushed % ENTRIES] = wrong;
    pushed++;
}

static void frame_push(void) {
    uint32_t length = frame_length(sent, true), slot = pushed % ENTRIES;
    if (chance(8) == 0 && pushed - completed < ENTRIES) {
        struct nic_frame wrong = {.offset = BUFFER_BYTES - 1, .length = 60, .buffer = 1};
        entry_push(&wrong, 0, true);
        return;
    }
    if (pushed - completed + 2 > ENTRIES)
        return;
    struct nic_frame frame = {.offset = ROOMS_BYTES + slot * SEND_STRIDE, .buffer = 1};
    frame_fill(buffer(frame.offset), sent, true);
    if (sum_start(sent) != 0) {
        frame.flags = NIC_FRAME_FLAG_CHECKSUM;
        frame.checksum_start = (uint16_t)sum_start(sent);
        frame.checksum_offset = SUM_OFFSET;
    }
    uint32_t first = chance(2) == 0 ? length : 1 + chance(length - 1);
    frame.length = (uint16_t)first;
    if (first < length) {
        frame.flags |= NIC_FRAME_FLAG_MORE;
        entry_push(&frame, 0, false);
        frame.offset += first;
        frame.length = (uint16_t)(length - first);
        frame.flags = 0;
    }
    sent++;
    entry_push(&frame, sent, false);
}

static void sends_take(void) {
    struct nic_done done;
    while (ring_pop(&client.transmit.completions, &done) == ERR_OK) {
        uint32_t entry = completed++ % ENTRIES;
        // A new actor may not know any more that a descriptor was wrong, if later ones were sent before it
        // looked.
        assert(done.flags == 0 || expect_error[entry]);
        if (ends_frame[entry] == 0)
            continue;
        sent_done++;
        assert(ends_frame[entry] == sent_done && cabled >= sent_done); // in order, and only what left
    }
}

static void client_work(void) {
    rooms_take();
    sends_take();
    rooms_push();
    for (uint32_t i = chance(4); i != 0; i--)
        frame_push();
    ring_pair_flush_client(&client.receive);
    ring_pair_flush_client(&client.transmit);
}

// --- the driver's actors

// The card goes on while the driver makes up its mind: what comes in just then is told of by nobody but the driver's second look.
static void receive_interrupt(struct nic_card *of, bool on) {
    bool was_armed = armed;
    armed = false;
    cable_bring();
    for (uint32_t i = chance(4); i != 0; i--)
        model->step();
    armed = was_armed;
    model->driver->receive_interrupt(of, on);
}

static void actor_begin(void) {
    static struct nic_driver driver;
    size_t bytes;
    driver = *model->driver;
    driver.receive_interrupt = receive_interrupt;
    card = (struct nic_card){.driver = &driver, .state = &state, .dma = arena + DMA_OFFSET};
    void *own = model->own(&card, &bytes);
    memset(own, 0, bytes);
    assert(model->driver->attach(&card) == ERR_OK);
    assert(nic_rings_open(&card, ring_memory, sizeof(ring_memory)) == ERR_OK);
}

static void actor_resume(void) {
    uint32_t receive = 0, send = 0;
    actor_begin();
    assert(model->driver->resume(&card, &receive, &send) == ERR_OK);
    nic_rings_taken(&card, receive, send);
}

// The driver looks at everything; it may end on the way, as often as it comes.
static void driver_work(bool may_end) {
    volatile bool begins = false;
    while (setjmp(actor_end) != 0)
        begins = true; // and all bits of its notification are set
    stores_left = may_end ? 1 + chance(chance(2) == 0 ? 40 : 1500) : 0;
    armed = true;
    if (begins)
        actor_resume();
    nic_rings_serve(&card);
    armed = false;
    assert(client.receive.completions.shared->produced == state.received &&
           client.transmit.completions.shared->produced == state.sent);
}

static void machine_make(void) {
    memset(arena, 0, sizeof(arena));
    memset(ring_memory, 0, sizeof(ring_memory));
    memset(&state, 0, sizeof(state));
    sent = sent_done = cabled = pushed = completed = rooms_given = rooms_back = received = arrived = 0;
    state.entries = ENTRIES;
    state.dma_physical = ARENA_PHYSICAL + DMA_OFFSET;
    state.buffer_count = 1;
    state.buffer_pages[0] = BUFFER_BYTES / NIC_PAGE_BYTES;
    for (uint32_t page = 0; page < state.buffer_pages[0]; page++)
        state.page_frames[0][page] = (uint32_t)((ARENA_PHYSICAL + BUFFER_OFFSET) / NIC_PAGE_BYTES) + page;
    state.client = CLIENT;
    state.is_message = model == &virtio_model;
    client = (struct nic_rings){0};
    assert(nic_rings_attach_client(&client, ring_memory, sizeof(ring_memory), ENTRIES) == ERR_OK);
    client.receive.peer = client.transmit.peer = DRIVER;
    actor_begin();
    model->driver->stop(&card);
    assert(model->driver->reset(&card) == ERR_OK);
    nic_rings_taken(&card, 0, 0);
}

static void client_told(void) {
    if (!told[CLIENT])
        return;
    told[CLIENT] = false;
    do {
        rooms_take();
        while (rooms_given - rooms_back < ENTRIES)
            rooms_push();
        ring_pair_flush_client(&client.receive);
    } while (!ring_sleep(&client.receive.completions));
}

static void driver_told(bool may_end) {
    if (!model->interrupts() && !told[DRIVER])
        return;
    told[DRIVER] = false;
    (void)model->driver->interrupt(&card);
    driver_work(may_end);
}

// Nobody looks before he is told: by a signal, or by the card. In the end no frame lies anywhere.
static void scenario_by_events(bool may_end) {
    machine_make();
    told[DRIVER] = told[CLIENT] = true;
    for (uint32_t round = 0; round < ROUNDS + CALM_ROUNDS; round++) {
        cable_rests = round >= ROUNDS;
        switch (chance(4)) {
        case 0:
            client_told();
            break;
        case 1:
            driver_told(may_end && !cable_rests);
            break;
        case 2:
            model->step();
            break;
        default:
            cable_bring();
            break;
        }
    }
    assert(received == arrived && arrived > ROUNDS / 16);
    cable_rests = false;
}

static void scenario(bool may_end) {
    machine_make();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        switch (chance(4)) {
        case 0:
            client_work();
            break;
        case 1:
            driver_work(may_end);
            break;
        case 2:
            model->step();
            break;
        default:
            cable_bring();
            break;
        }
    }
    for (uint32_t round = 0; round < 1000 && (completed != pushed || received != arrived); round++) {
        rooms_take();
        sends_take();
        driver_work(false);
        model->step();
    }
    assert(completed == pushed && cabled == sent && received == arrived);
}

// What can't be in the state is noticed.
static void damage(void) {
    machine_make();
    client_work();
    driver_work(false);
    uint32_t receive, send;
    state.dma_physical += model == &e1000_model ? 4096 : 0;
    memset(state.driver, 0xff, sizeof(state.driver));
    actor_begin();
    assert(model->driver->resume(&card, &receive, &send) != ERR_OK);
}

int main(int argc, char **argv) {
    uint64_t scenarios = argc > 1 ? strtoull(argv[1], NULL, 10) : 40;
    struct model *models[] = {&e1000_model, &virtio_model};
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t frames = 0;
        model = models[i];
        kills = 0;
        for (uint64_t number = 1; number <= scenarios; number++) {
            seed = number;
            scenario(number % 4 != 0);
            frames += sent + received;
            scenario_by_events(number % 4 != 0);
        }
        if (model == &e1000_model)
            damage();
        printf("%s: %llu orders of events, %llu frames, the driver ended %u times\n", model->driver->name,
               (unsigned long long)scenarios, (unsigned long long)frames, kills);
        assert(kills > scenarios && frames > scenarios * 10);
    }
    return 0;
}
