// The start of a driver's actor, and what happens at events; see service.h. A card is claimed once: its
// session, registers, interrupt and memory stay in the role's table, and each further actor goes on with them
// (takes over). Claiming again stops the card; so it is the way out of a state that can't be trusted.
#include "drivers/net/service/service.h"

#include <stddef.h>

#include "drivers/framework/report.h"
#include "drivers/net/service/rings.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/irq.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/nic_server.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"

#define SEND_REAP_NANOSECONDS UINT64_C(2000000)
#define LINK_LOOK_NANOSECONDS UINT64_C(50000000)

struct nic_service nic_service;

error_t nic_card_region(struct nic_card *card, uint32_t index, volatile void **registers, uint64_t *length) {
    struct nic_card_state *state = card->state;
    if (index >= NIC_REGIONS)
        return ERR_NOT_FOUND;
    if (state->regions[index] == 0) {
        uint64_t kind;
        cap_t region;
        error_t error =
            device_region(state->device, index, &kind, &state->region_bytes[index], &state->region_offsets[index], &region);
        if (error != ERR_OK)
            return error;
        if (kind != REGION_KIND_MEMORY) {
            slot_release(region);
            return ERR_WRONG_KIND;
        }
        state->regions[index] = region;
    }
    void *address;
    uint64_t offset = state->region_offsets[index];
    *length = state->region_bytes[index];
    error_t error = driver_map(state->regions[index], (offset + *length + 4095) & ~UINT64_C(4095), &address);
    *registers = (char *)address + offset;
    return error;
}

uint32_t nic_card_config(const struct nic_card *card, uint32_t offset, uint32_t width) {
    uint64_t value;
    error_t error = device_config_read(card->state->device, offset, width, &value);
    return error == ERR_OK ? (uint32_t)value : UINT32_MAX;
}

static void report_card(struct nic_card *card, enum report_level level, const char *line) {
    struct text text = {0};
    text_add(&text, "card ");
    text_add_number(&text, card->index);
    text_add(&text, ": ");
    text_add(&text, line);
    report(level, &text);
}

static void send_watch(struct nic_card *card, bool on) {
    if (card->send_watched == on)
        return;
    card->send_watched = on;
    card->driver->send_interrupt(card, on);
}

static void reap(struct timer *timer) {
    (void)timer;
    for (uint32_t i = 0; i < nic_service.state->card_count; i++)
        if (nic_rings_sending(&nic_service.cards[i]))
            nic_card_work(&nic_service.cards[i]);
}

static void loan_release(struct nic_loan *loan) {
    cap_t memory = loan->memory;
    __atomic_store_n(&loan->memory, 0, __ATOMIC_RELEASE); // first: an actor after this one releases what the state does not name
    slot_release(memory);
}

static void loans_settle(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    for (uint32_t i = 0; i < NIC_LOANS_MOST; i++)
        if (state->loans[i].ending && state->loans[i].memory != 0 && !nic_loan_is_busy(card, &state->loans[i]))
            loan_release(&state->loans[i]);
}

void nic_card_work(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    if (state->session == 0 || card->rings.shared == NULL)
        return;
    nic_rings_serve(card);
    loans_settle(card);
    state->attempts = 0;
    // Few frames under way: looked at when the timer says so, or when something else happens before.
    uint32_t sending = card->send_taken - state->sent;
    send_watch(card, sending > state->entries / 2);
    if (sending != 0 && !nic_service.timer.armed)
        timer_set(&nic_service.timer, clock_monotonic() + SEND_REAP_NANOSECONDS, reap);
}

static void link_look(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    bool up = card->driver->link(card);
    if (nic_link_is_up(state->link) != up) {
        state->link += 2;
        state->link ^= 1;
        state->statistics.link_changes++;
        report_card(card, REPORT_INFORMATION, up ? "the link is up" : "the link is down");
    }
    nic_card_show_link(card);
}

void nic_card_show_link(struct nic_card *card) {
    const struct nic_card_state *state = card->state;
    if (card->rings.shared == NULL || card->rings.shared->link == state->link)
        return;
    __atomic_store_n(&card->rings.shared->link, state->link, __ATOMIC_RELEASE);
    nic_rings_signal(card);
}

static void links_look(struct timer *timer) {
    (void)timer;
    for (uint32_t i = 0; i < nic_service.state->card_count; i++)
        if (nic_service.state->cards[i].running)
            link_look(&nic_service.cards[i]);
}

// A look at the link costs a register of the card, more than a frame does. So an interrupt that may be about either, and brought
// frames, has it looked at later; many of them, once.
static void link_look_later(void) {
    if (!nic_service.link_timer.armed)
        timer_set(&nic_service.link_timer, clock_monotonic() + LINK_LOOK_NANOSECONDS, links_look);
}

static void interrupted(void *argument, uint32_t bit) {
    struct nic_card *card = argument;
    struct nic_card_state *state = card->state;
    (void)bit;
    uint32_t received = state->received, sent = state->sent, events = card->driver->interrupt(card);
    if (!state->is_message)
        driver_acknowledge(state->irq, events != NIC_EVENT_NONE);
    state->statistics.interrupts += events != NIC_EVENT_NONE;
    nic_card_work(card);
    bool brought = received != state->received || sent != state->sent;
    if ((events & NIC_EVENT_ANY) != 0 && brought)
        link_look_later();
    else if ((events & (NIC_EVENT_LINK | NIC_EVENT_ANY)) != 0)
        link_look(card);
}

static void signalled(void *argument, uint32_t bit) {
    (void)bit;
    nic_card_work(argument);
}

void nic_card_start(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    state->running = 0;
    card->driver->stop(card);
    error_t error = card->driver->reset(card);
    state->statistics.resets++;
    if (error != ERR_OK) {
        report_failure("a card can't be set up", error);
        return;
    }
    card->driver->set_filter(card);
    if (card->rings.shared != NULL)
        nic_rings_taken(card, state->received, state->sent);
    card->send_watched = false;
    card->receive_watched = true;
    state->running = 1;
    state->fresh = state->session == 0;
    link_look(card);
}

error_t nic_card_map_rings(struct nic_card *card) {
    struct nic_layout layout = nic_layout(card->state->entries);
    void *address;
    error_t error = driver_map(card->state->rings, layout.bytes, &address);
    if (error == ERR_OK && (error = nic_rings_open(card, address, layout.bytes)) == ERR_CORRUPT) {
        report_card(card, REPORT_WARNING, "the client has broken its rings");
        error = ERR_OK; // they stay, unused, until its session ends
    }
    return error;
}

void nic_card_detach(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    struct nic_layout layout = nic_layout(state->entries);
    state->running = 0;
    card->driver->stop(card);
    if (card->rings.shared != NULL) {
        error_t ignored = process_unmap(SLOT_SELF, (uintptr_t)card->rings.shared, layout.bytes);
        (void)ignored;
    }
    card->rings = (struct nic_rings){0};
    card->receive_taken = card->send_taken = 0;
    slot_release(state->rings);
    slot_release(state->client);
    for (uint32_t i = 0; i < state->buffer_count; i++)
        slot_release(state->buffers[i]);
    for (uint32_t i = 0; i < NIC_LOANS_MOST; i++)
        loan_release(&state->loans[i]);
    state->rings = state->client = 0;
    state->entries = state->buffer_count = state->received = state->sent = 0;
    state->filter = state->address_count = 0;
    state->session = 0;
    nic_card_start(card); // in standby: the link is watched
    fiber_wake_all(&nic_service.freed);
}

void nic_card_status(struct nic_card *card, struct nic_status *status) {
    const struct nic_driver *driver = card->driver;
    bool up = driver->link(card);
    *status = (struct nic_status){.unit = card->index + 1,
                                  .mtu = NIC_FRAME_MOST - NIC_HEADER_BYTES,
                                  .features = card->features,
                                  .link = card->state->link,
                                  .speed = up ? card->speed : 0,
                                  .full_duplex = card->full_duplex,
                                  .receive_depth = driver->receive_depth,
                                  .transmit_depth = driver->transmit_depth,
                                  .restarts = nic_service.state->restarts};
    struct text name = {0};
    text_add(&name, driver->name);
    text_add(&name, ".");
    text_add_number(&name, card->index);
    for (uint32_t i = 0; i < name.length && i + 1 < sizeof(status->name); i++)
        status->name[i] = (uint8_t)name.bytes[i];
    __builtin_memcpy(status->address, card->address, sizeof(status->address));
    __builtin_memcpy(status->model, card->model, sizeof(status->model));
}

static error_t interrupt_bind(struct nic_card *card, cap_t notification) {
    struct nic_card_state *state = card->state;
    uint64_t kind;
    error_t error = device_interrupt(state->device, 0, INTERRUPT_KIND_MESSAGE, &kind, &state->irq);
    if (error != ERR_OK)
        return error;
    state->is_message = kind == INTERRUPT_KIND_MESSAGE;
    return irq_bind(state->irq, UINT64_C(1) << card->index, notification);
}

// Fills the state of a card that no actor had, or whose state is not to be trusted. The client's part stays.
static error_t claim(struct nic_card *card, cap_t devices) {
    struct nic_card_state *state = card->state;
    slot_release(state->device);
    slot_release(state->irq);
    slot_release(state->dma);
    for (uint32_t i = 0; i < NIC_REGIONS; i++) {
        slot_release(state->regions[i]);
        state->regions[i] = 0;
    }
    state->device = state->irq = state->dma = state->claimed = state->running = 0;
    error_t error = device_claim(devices, card->index, &state->device);
    if (error != ERR_OK)
        return error;
    error = device_dma_memory(state->device, card->driver->dma_bytes, CREATE_FLAG_BELOW_4G, &state->dma_physical, &state->dma);
    if (error == ERR_OK)
        error = interrupt_bind(card, nic_service.server.notification);
    state->claimed = error == ERR_OK;
    return error;
}

// Maps what the state names, and lets the driver find its registers.
static error_t attach(struct nic_card *card) {
    error_t error = driver_map(card->state->dma, card->driver->dma_bytes, &card->dma);
    return error == ERR_OK ? card->driver->attach(card) : error;
}

static bool take_over(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    uint32_t receive = state->received, send = state->sent;
    if (!state->claimed || !state->running || state->attempts++ >= NIC_ATTEMPTS_MOST || attach(card) != ERR_OK)
        return false;
    if (state->session != 0 && nic_card_map_rings(card) != ERR_OK)
        return false;
    if (card->driver->resume(card, &receive, &send) != ERR_OK)
        return false;
    card->send_watched = true; // unknown: switched off before it is needed
    card->receive_watched = false;
    if (card->rings.shared != NULL) {
        nic_rings_taken(card, receive, send);
        nic_rings_signal(card); // that actor may have ended before it did
    }
    link_look(card);
    return true;
}

static error_t card_begin(struct nic_card *card, cap_t devices) {
    struct nic_card_state *state = card->state;
    if (nic_service.is_restart && take_over(card))
        return ERR_OK;
    error_t error = claim(card, devices);
    if (error == ERR_OK)
        error = attach(card);
    if (error == ERR_OK)
        error = device_set_master(state->device, 1);
    if (error == ERR_OK && state->session != 0 && card->rings.shared == NULL)
        error = nic_card_map_rings(card);
    if (error == ERR_OK)
        nic_card_start(card);
    return error;
}

static void report_found(struct nic_card *card) {
    struct text text = {0};
    text_add(&text, card->model);
    text_add(&text, ", address");
    for (uint32_t i = 0; i < 6; i++) {
        text_add(&text, i == 0 ? " " : ":");
        text_add_hex(&text, card->address[i], 2);
    }
    text_add(&text, card->state->is_message ? ", message interrupt" : ", interrupt line");
    report(nic_service.is_restart ? REPORT_DEBUG : REPORT_INFORMATION, &text);
}

static void cards_begin(cap_t devices) {
    struct nic_state *state = nic_service.state;
    for (uint32_t i = 0; i < NIC_CARDS_MOST; i++) {
        struct nic_card *card = &nic_service.cards[i];
        *card = (struct nic_card){.driver = nic_service.driver, .index = i, .state = &nic_service.state->cards[i]};
        error_t error = card_begin(card, devices);
        if (error == ERR_NOT_FOUND)
            break; // no more cards
        state->card_count = i + 1;
        if (error != ERR_OK) { // it is not `running`, and nobody can open it
            report_failure("a card can't be used", error);
            continue;
        }
        server_on_bit(&nic_service.server, i, interrupted, card);
        server_on_bit(&nic_service.server, NIC_RING_BIT + i, signalled, card);
        report_found(card);
    }
}

static bool slot_claimed(cap_t slot) {
    for (uint32_t i = 0; i < NIC_CARDS_MOST; i++) {
        const struct nic_card_state *card = &nic_service.state->cards[i];
        if (slot == card->device || slot == card->irq || slot == card->dma || slot == card->rings || slot == card->client)
            return true;
        for (uint32_t at = 0; at < NIC_REGIONS; at++)
            if (card->regions[at] == slot)
                return true;
        for (uint32_t at = 0; at < card->buffer_count; at++)
            if (card->buffers[at] == slot)
                return true;
        for (uint32_t at = 0; at < NIC_LOANS_MOST; at++)
            if (card->loans[at].memory == slot)
                return true;
    }
    return false;
}

static error_t state_open(void) {
    cap_t memory = startup_capability("state");
    uint64_t length;
    void *address;
    error_t error = memory != 0 ? memory_information(memory, &length, NULL, NULL) : ERR_NOT_FOUND;
    if (error == ERR_OK && length < sizeof(struct nic_state))
        error = ERR_TOO_BIG;
    if (error == ERR_OK)
        error = driver_map(memory, length, &address);
    if (error != ERR_OK)
        return error;
    struct nic_state *state = address;
    nic_service.state = state;
    if (state->magic != NIC_STATE_MAGIC || state->version != NIC_STATE_VERSION || state->card_count > NIC_CARDS_MOST) {
        if (state->magic != 0) // else it is new and zero: pages that are never needed never come
            __builtin_memset(state, 0, sizeof(*state));
        state->version = NIC_STATE_VERSION;
        state->magic = NIC_STATE_MAGIC;
    }
    if (!nic_service.is_restart)
        return ERR_OK;
    state->restarts++;
    for (uint32_t i = 0; i < NIC_CARDS_MOST; i++) // what a client was about to attach comes again
        if (state->cards[i].session == 0)
            state->cards[i].rings = state->cards[i].client = state->cards[i].entries = 0;
    driver_reconcile(slot_claimed);
    return ERR_OK;
}

static error_t dispatch(struct request *request) {
    return nic_dispatch(&nic_operations, request);
}

static void session_closed(uint64_t badge) {
    struct nic_session *session = nic_session_find(badge);
    if (session == NULL)
        return;
    struct nic_card *card = &nic_service.cards[session->card % NIC_CARDS_MOST];
    if (card->state->session == badge)
        nic_card_detach(card);
    session->open = 0;
}

int nic_service_main(const struct startup *startup, const struct nic_driver *driver) {
    struct server *server = &nic_service.server;
    report_set_name(startup->name);
    nic_service.driver = driver;
    nic_service.is_restart = startup->is_restart != 0;
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->fibers = NIC_FIBERS;
    server->dispatch = dispatch;
    server->session_closed = session_closed;
    error_t error = state_open();
    if (error != ERR_OK) {
        report_failure("no state memory", error);
        return 1;
    }
    cards_begin(startup_capability("devices"));
    // Bits may have been taken by an earlier actor: look at everything once.
    error = notification_signal(server->notification, UINT64_MAX);
    return error == ERR_OK && server_run(server) == ERR_OK ? 0 : 1;
}
