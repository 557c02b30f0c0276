// The protocol nic. No method waits for anything but the end of an earlier session of the same card.
// Attaching is not idempotent: its effect is committed by one store (session, buffer_count) after the
// request's number.
#include <stddef.h>

#include "drivers/net/service/rings.h"
#include "drivers/net/service/service.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/nic_server.h"
#include "libipc/protocols/process.h"

#define BUSY_NANOSECONDS UINT64_C(1000000000) // for an earlier client's session to end

struct nic_session *nic_session_find(uint64_t badge) {
    uint64_t index = badge & 0xffff;
    if ((badge & ~UINT64_C(0xffffffff)) != NIC_BADGE || index >= NIC_SESSIONS_MOST)
        return NULL;
    struct nic_session *session = &nic_service.state->sessions[index];
    return session->open != 0 && nic_session_badge(session) == badge && session->card < nic_service.state->card_count ? session
                                                                                                                      : NULL;
}

uint64_t nic_session_badge(const struct nic_session *session) {
    return NIC_BADGE | (uint64_t)(session->generation & 0xffff) << 16 | (uint64_t)(session - nic_service.state->sessions);
}

static bool is_control(const struct request *request) {
    return request->badge >> 63 != 0; // made at boot, see startup_badge
}

static struct nic_card *session_card(const struct request *request) {
    const struct nic_session *session = nic_session_find(request->badge);
    return session != NULL ? &nic_service.cards[session->card] : NULL;
}

// The card, if the session has its rings.
static struct nic_card *owned_card(const struct request *request) {
    struct nic_card *card = session_card(request);
    return card != NULL && card->state->session == request->badge ? card : NULL;
}

static error_t nic_next_unit_handler(struct request *request, const struct nic_next_unit_in *in, struct nic_next_unit_out *out) {
    if (!is_control(request))
        return ERR_BAD_CAPABILITY;
    for (uint64_t i = in->cursor; i < nic_service.state->card_count; i++) {
        if (!nic_service.cards[i].state->running)
            continue;
        out->cursor = i + 1;
        nic_card_status(&nic_service.cards[i], &out->status);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static error_t nic_open_handler(struct request *request, const struct nic_open_in *in, struct nic_open_out *out) {
    if (!is_control(request))
        return ERR_BAD_CAPABILITY;
    if (in->unit == 0 || in->unit > nic_service.state->card_count || !nic_service.cards[in->unit - 1].state->running)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < NIC_SESSIONS_MOST; i++) {
        struct nic_session *session = &nic_service.state->sessions[i];
        if (session->open)
            continue;
        session->generation++;
        session->card = (uint32_t)in->unit - 1;
        error_t error = server_create_session(&nic_service.server, nic_session_badge(session), &out->nic);
        session->open = error == ERR_OK;
        return error;
    }
    return ERR_NO_MEMORY;
}

static error_t nic_status_handler(struct request *request, const struct nic_status_in *in, struct nic_status_out *out) {
    (void)in;
    struct nic_card *card = session_card(request);
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    nic_card_status(card, &out->status);
    return ERR_OK;
}

static error_t nic_statistics_handler(struct request *request, const struct nic_statistics_in *in,
                                      struct nic_statistics_out *out) {
    (void)in;
    struct nic_card *card = session_card(request);
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    card->driver->count(card);
    out->statistics = card->state->statistics;
    return ERR_OK;
}

static bool is_repeated(const struct nic_card_state *state, const struct request *request) {
    return state->number_thread == request->number_thread && state->number_count == request->number_count;
}

static void number_set(struct nic_card_state *state, const struct request *request) {
    state->number_thread = request->number_thread;
    state->number_count = request->number_count;
}

static error_t attach_answer(const struct nic_card *card, struct nic_attach_rings_out *out) {
    out->server_bits = UINT64_C(1) << (NIC_RING_BIT + card->index);
    return slot_duplicate(nic_service.server.notification, RIGHT_SIGNAL | RIGHT_COPY, &out->server);
}

static error_t nic_attach_rings_handler(struct request *request, const struct nic_attach_rings_in *in,
                                        struct nic_attach_rings_out *out) {
    struct nic_card *card = session_card(request);
    uint64_t length, until = clock_monotonic() + BUSY_NANOSECONDS;
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    struct nic_card_state *state = card->state;
    if (state->session == request->badge)
        return is_repeated(state, request) ? attach_answer(card, out) : ERR_BUSY;
    struct nic_layout layout = nic_layout(in->entries);
    error_t error = layout.bytes != 0 ? driver_client_memory(in->rings, layout.bytes, &length) : ERR_INVALID;
    while (error == ERR_OK && state->session != 0)
        if ((error = fiber_wait_until(&nic_service.freed, until)) == ERR_DEADLINE)
            error = ERR_BUSY;
    if (error == ERR_OK)
        error = attach_answer(card, out);
    if (error != ERR_OK)
        return error;
    state->rings = in->rings;
    state->client = in->client;
    state->client_bits = in->client_bits;
    state->entries = (uint32_t)in->entries;
    state->received = state->sent = 0;
    error = nic_card_map_rings(card);
    if (error != ERR_OK) {
        state->rings = state->client = state->entries = 0;
        slot_release(out->server);
        return error;
    }
    (void)request_keep(request, in->rings);
    (void)request_keep(request, in->client);
    number_set(state, request);
    __atomic_store_n(&state->session, request->badge, __ATOMIC_RELEASE);
    if (!state->fresh)
        nic_card_start(card);
    state->fresh = 0;
    nic_card_show_link(card);
    nic_card_work(card); // what is in the rings already, and the wish to be signalled
    return ERR_OK;
}

// The addresses of all pages of memory that may be used so, once: they stay as long as the memory. At most `*pages`, which
// becomes how many there are.
static error_t memory_find(cap_t memory, uint64_t needed, uint32_t *pages, uint32_t *page_frames) {
    uint64_t length = 0, slot, rights;
    error_t error = memory_information(memory, &length, NULL, NULL);
    if (error == ERR_OK)
        error = process_slot_next(SLOT_SELF, memory, &slot, NULL, &rights, NULL, NULL);
    if (error != ERR_OK || length > (uint64_t)*pages * NIC_PAGE_BYTES)
        return ERR_INVALID;
    if ((rights & needed) != needed)
        return ERR_RIGHTS;
    *pages = (uint32_t)(length / NIC_PAGE_BYTES);
    for (uint32_t page = 0; page < *pages;) {
        uint64_t address, contiguous;
        error = memory_physical(memory, (uint64_t)page * NIC_PAGE_BYTES, &address, &contiguous);
        if (error != ERR_OK)
            return error == ERR_RIGHTS || error == ERR_NO_MEMORY ? error : ERR_INVALID;
        if (contiguous < NIC_PAGE_BYTES || (address + contiguous) / NIC_PAGE_BYTES > UINT32_MAX)
            return ERR_INVALID;
        for (; contiguous >= NIC_PAGE_BYTES && page < *pages; contiguous -= NIC_PAGE_BYTES) {
            page_frames[page++] = (uint32_t)(address / NIC_PAGE_BYTES);
            address += NIC_PAGE_BYTES;
        }
    }
    return ERR_OK;
}

static error_t nic_attach_buffer_handler(struct request *request, const struct nic_attach_buffer_in *in,
                                         struct nic_attach_buffer_out *out) {
    struct nic_card *card = owned_card(request);
    uint64_t length = 0;
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    struct nic_card_state *state = card->state;
    if (state->buffer_count != 0 && is_repeated(state, request)) {
        out->buffer = state->buffer_count;
        return ERR_OK;
    }
    if (state->buffer_count == NIC_BUFFERS_MOST)
        return ERR_NO_MEMORY;
    uint32_t pages = NIC_BUFFER_PAGES;
    error_t error = driver_client_memory(in->memory, NIC_PAGE_BYTES, &length);
    if (error == ERR_OK)
        error = memory_find(in->memory, RIGHT_READ | RIGHT_WRITE, &pages, state->page_frames[state->buffer_count]);
    if (error != ERR_OK)
        return error;
    state->buffer_pages[state->buffer_count] = pages;
    state->buffers[state->buffer_count] = request_keep(request, in->memory);
    number_set(state, request);
    out->buffer = state->buffer_count + 1;
    __atomic_store_n(&state->buffer_count, state->buffer_count + 1, __ATOMIC_RELEASE);
    return ERR_OK;
}

static uint64_t loan_buffer(const struct nic_card_state *state, const struct nic_loan *loan) {
    return (uint64_t)loan->generation << 8 | (NIC_LOAN_FIRST + (uint64_t)(loan - state->loans));
}

// A place for the request's loan, or the one that it was given before a restart.
static struct nic_loan *loan_place(struct nic_card_state *state, const struct request *request) {
    struct nic_loan *place = NULL;
    for (uint32_t i = 0; i < NIC_LOANS_MOST; i++) {
        struct nic_loan *loan = &state->loans[i];
        if (loan->memory == 0)
            place = place == NULL ? loan : place;
        else if (loan->number_thread == request->number_thread && loan->number_count == request->number_count)
            return loan;
    }
    return place;
}

// Not mapped, so it may be a pager's: what of it is missing has no address, and is refused.
static error_t nic_attach_pages_handler(struct request *request, const struct nic_attach_pages_in *in,
                                        struct nic_attach_pages_out *out) {
    struct nic_card *card = owned_card(request);
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    struct nic_loan *loan = loan_place(card->state, request);
    if (loan == NULL)
        return ERR_NO_MEMORY;
    if (loan->memory != 0) {
        out->buffer = loan_buffer(card->state, loan);
        return ERR_OK;
    }
    uint32_t pages = NIC_LOAN_PAGES;
    error_t error = memory_find(in->memory, RIGHT_READ, &pages, loan->page_frames);
    if (error != ERR_OK)
        return error;
    loan->generation = ++card->state->loan_generation;
    loan->pages = pages;
    loan->used = loan->ending = 0;
    loan->number_thread = request->number_thread;
    loan->number_count = request->number_count;
    out->buffer = loan_buffer(card->state, loan);
    __atomic_store_n(&loan->memory, request_keep(request, in->memory), __ATOMIC_RELEASE);
    return ERR_OK;
}

static error_t nic_detach_pages_handler(struct request *request, const struct nic_detach_pages_in *in,
                                        struct nic_detach_pages_out *out) {
    struct nic_card *card = owned_card(request);
    (void)out;
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    for (uint32_t i = 0; i < NIC_LOANS_MOST; i++) {
        struct nic_loan *loan = &card->state->loans[i];
        if (loan->memory != 0 && loan_buffer(card->state, loan) == in->buffer)
            loan->ending = 1;
    }
    nic_card_work(card); // what the card has done is noted, and the loan with it
    return ERR_OK;
}

static error_t nic_set_filter_handler(struct request *request, const struct nic_set_filter_in *in,
                                      struct nic_set_filter_out *out) {
    (void)out;
    struct nic_card *card = session_card(request);
    uint8_t addresses[NIC_ADDRESSES_MOST][6];
    if (card == NULL)
        return ERR_BAD_CAPABILITY;
    struct nic_card_state *state = card->state;
    if (state->session != request->badge)
        return ERR_BUSY; // it is the owner of the rings who says what it wants
    uint64_t bytes = in->addresses_size;
    if ((in->flags & ~(uint64_t)(NIC_FILTER_PROMISCUOUS | NIC_FILTER_ALL_MULTICAST)) != 0 || bytes % 6 != 0 ||
        bytes > sizeof(addresses))
        return ERR_INVALID;
    error_t error = bytes != 0 ? request_copy_in(request, 0, addresses, bytes) : ERR_OK;
    if (error != ERR_OK)
        return error;
    __builtin_memcpy(state->addresses, addresses, bytes);
    state->address_count = (uint32_t)(bytes / 6);
    state->filter = in->flags;
    if (state->running)
        card->driver->set_filter(card);
    return ERR_OK;
}

const struct nic_ops nic_operations = {
    .next_unit = nic_next_unit_handler,
    .open = nic_open_handler,
    .status = nic_status_handler,
    .statistics = nic_statistics_handler,
    .attach_rings = nic_attach_rings_handler,
    .attach_buffer = nic_attach_buffer_handler,
    .attach_pages = nic_attach_pages_handler,
    .detach_pages = nic_detach_pages_handler,
    .set_filter = nic_set_filter_handler,
};
