// See wire.h.
#include "tests/host/net/wire.h"

enum { FRAME_MAX = 4096, SHOWN_MAX = 10 };

struct wire wire;
static uint8_t outgoing[2][FRAME_MAX];
static int sides[2] = {0, 1};

static void show_connection(int side, const struct tcp *tcp) {
    fprintf(stderr,
            "side %d %s una %u nxt %u wnd %u unsent %u rcv_nxt %u adv %u unread %u ahead %u recovery %d "
            "backoff %u\n",
            side, tcp_state_name(tcp->state), tcp->snd_una, tcp->snd_nxt, tcp->snd_wnd, tcp->send.count, tcp->rcv_nxt,
            tcp->rcv_adv, tcp->receive.count, tcp->ahead_count, tcp->recovery, tcp->backoff);
}

void wire_show(void) {
    for (int side = 0; side < 2; side++) {
        uint32_t left = SHOWN_MAX;
        for (int i = 0; i < CONNECTION_BUCKETS; i++)
            for (const struct tcp *at = wire.stacks[side]->connections[i]; at != NULL && left > 0; at = at->next, left--)
                show_connection(side, at);
#define SHOW(name)                                                                                                               \
    if (wire.stacks[side]->statistics.name != 0)                                                                                 \
        fprintf(stderr, "%s %llu, ", #name, (unsigned long long)wire.stacks[side]->statistics.name);
        STATISTICS_LIST(SHOW)
        fprintf(stderr, "\n");
    }
}

uint32_t wire_random(uint32_t below) {
    wire.random = wire.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below == 0 ? 0 : (uint32_t)(wire.random >> 33) % below;
}

static uint8_t *frame_begin(void *context) {
    return outgoing[*(int *)context];
}

static uint8_t *frame_begin_large(void *context, uint32_t length) {
    const struct interface *interface = wire.interfaces[*(int *)context];
    CHECK(length + interface->tail.length <= FRAME_MAX && interface->tail.count != 0);
    return frame_begin(context);
}

static void file_read(const struct stack_file *file, uint32_t offset, uint8_t *to, uint32_t length) {
    memcpy(to, ((const struct wire_file *)file)->bytes + offset, length);
}

static void file_free(struct stack_file *file) {
    wire.files--;
    free(((struct wire_file *)file)->bytes);
    free(file);
}

struct wire_file *wire_file_make(int side, uint32_t length) {
    struct wire_file *file = calloc(1, sizeof(*file));
    file->file = (struct stack_file){.references = 1, .interface = wire.interfaces[side]};
    file->bytes = malloc(length);
    wire.files++;
    return file;
}

void wire_set_file_functions(struct stack *stack) {
    stack->file_read = file_read;
    stack->file_free = file_free;
}

void wire_read_files(void) {
    for (int side = 0; side < 2; side++)
        wire.interfaces[side]->fills_sums = wire.interfaces[side]->reads_files = true;
}

// What the link does of its own: the pieces behind the frame's memory, and the sum.
static uint32_t complete(struct interface *interface, uint8_t *frame, uint32_t length) {
    for (uint32_t i = 0; i < interface->tail.count; i++) {
        const struct piece *piece = &interface->tail.pieces[i];
        if (piece->file != NULL)
            file_read(piece->file, piece->offset, frame + length, piece->length);
        else
            memcpy(frame + length, piece->data, piece->length);
        length += piece->length;
    }
    interface_fill_sum(interface, frame, length);
    return length;
}

static void fly(int to, const uint8_t *bytes, uint32_t length, uint64_t at) {
    struct flying *flying = malloc(sizeof(*flying) + length);
    flying->at = at;
    flying->to = to;
    flying->length = length;
    memcpy(flying->bytes, bytes, length);
    if (wire_random(10000) < wire.impairment.corrupt)
        flying->bytes[wire_random(length)] ^= (uint8_t)(1 + wire_random(255));
    struct flying **place = &wire.first;
    while (*place != NULL && (*place)->at <= at)
        place = &(*place)->next;
    flying->next = *place;
    *place = flying;
}

static void frame_send(void *context, uint8_t *frame, uint32_t length) {
    int from = *(int *)context;
    const struct impairment *impairment = &wire.impairment;
    if (length == 0)
        return;
    length = complete(wire.interfaces[from], frame, length);
    wire.frames++;
    if (wire.seen != NULL)
        wire.seen(from, frame, length);
    if (wire_random(10000) < impairment->loss || (wire.drop != NULL && wire.drop(from, frame, length))) {
        wire.lost++;
        return;
    }
    uint64_t at = wire.now;
    if (impairment->bytes_per_second != 0) {
        uint64_t each = length * NANOSECONDS_PER_SECOND / impairment->bytes_per_second;
        uint64_t start = wire.free_at[from] > wire.now ? wire.free_at[from] : wire.now;
        if (impairment->queue != 0 && start - wire.now > impairment->queue * each) {
            wire.lost++;
            return;
        }
        wire.free_at[from] = at = start + each;
    }
    at += impairment->delay + (impairment->jitter != 0 ? wire_random((uint32_t)impairment->jitter) : 0);
    fly(1 - from, frame, length, at);
    if (wire_random(10000) < impairment->duplicate)
        fly(1 - from, frame, length, at + wire_random((uint32_t)impairment->jitter + 1));
}

static const struct link_ops ops = {.frame_begin = frame_begin, .frame_send = frame_send, .frame_begin_large = frame_begin_large};

struct address wire_address(int side, bool v6) {
    struct address address = {.bytes = {0xfd, [15] = (uint8_t)(side + 1)}};
    return v6 ? address : address_from_v4(0x0a000001 + (uint32_t)side);
}

void wire_start(uint64_t seed) {
    wire = (struct wire){.seed = seed, .random = seed * 2654435761u + 1, .now = NANOSECONDS_PER_SECOND};
    for (int side = 0; side < 2; side++) {
        uint8_t random[32], mac[MAC_BYTES] = {2, 0, 0, 0, 0, (uint8_t)(side + 1)};
        for (int i = 0; i < 32; i++)
            random[i] = (uint8_t)wire_random(256);
        struct stack *stack = wire.stacks[side] = malloc(sizeof(*stack));
        CHECK(stack_initialize(stack, random, UINT64_C(64) << 20, wire.now) == ERR_OK);
        wire_set_file_functions(stack);
        CHECK(interface_add(stack, "eth0", mac, ETHERNET_MTU, &ops, &sides[side], &wire.interfaces[side]) == ERR_OK);
        interface_set_up(wire.interfaces[side], true);
        interface_set_link(wire.interfaces[side], true);
        struct address v4 = wire_address(side, false), v6 = wire_address(side, true);
        CHECK(interface_add_address(wire.interfaces[side], &v4, ADDRESS_V4_PREFIX + 24) == ERR_OK);
        CHECK(interface_add_address(wire.interfaces[side], &v6, 64) == ERR_OK);
    }
    wire_run(3 * NANOSECONDS_PER_SECOND); // duplicate address detection
}

void wire_finish(void) {
    wire.impairment = (struct impairment){0};
    wire.drop = NULL;
    wire_run(400 * NANOSECONDS_PER_SECOND); // TIME-WAIT
    for (int side = 0; side < 2; side++) {
        stack_finish(wire.stacks[side]);
        CHECK(wire.stacks[side]->memory_used == 0);
        free(wire.stacks[side]);
    }
    CHECK(wire.first == NULL && wire.files == 0);
}

static uint64_t next_time(void) {
    uint64_t next = wire.first != NULL ? wire.first->at : UINT64_MAX;
    for (int side = 0; side < 2; side++) {
        uint64_t time = stack_next_time(wire.stacks[side]);
        if (time != 0 && time < next)
            next = time;
    }
    return next;
}

bool wire_step(uint64_t until) {
    uint64_t next = next_time();
    if (next == UINT64_MAX || next > until)
        return false;
    wire.now = next > wire.now ? next : wire.now;
    wire.stacks[0]->now = wire.stacks[1]->now = wire.now;
    struct flying *flying = wire.first;
    if (flying != NULL && flying->at <= wire.now) {
        wire.first = flying->next;
        interface_input(wire.interfaces[flying->to], flying->bytes, flying->length);
        free(flying);
    }
    stack_run(wire.stacks[0]);
    stack_run(wire.stacks[1]);
    return true;
}

void wire_run(uint64_t nanoseconds) {
    uint64_t until = wire.now + nanoseconds;
    while (wire_step(until))
        ;
    wire.now = until;
    wire.stacks[0]->now = wire.stacks[1]->now = until;
}
