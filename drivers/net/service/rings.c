// See rings.h. Requests are read ahead by a second view of the request ring (receive_taking, send_taking);
// the view in the pair moves with completions only, so that a client can't overwrite an entry that is not
// completed, and a new actor can read it again. The order at a completion: the entry, then the position in
// state memory, then the position that the client sees.
#include "drivers/net/service/rings.h"

#include "drivers/framework/report.h"

enum { BUSY_FRAMES = 4 }; // at once: more are coming

static bool pair_open(struct ring_pair *pair, struct ring *taking, uint32_t position) {
    pair->completions.position = pair->requests.position = position;
    *taking = pair->requests;
    return position - pair->completions.other <= pair->completions.entries &&
           pair->requests.other - position <= pair->requests.entries;
}

error_t nic_rings_open(struct nic_card *card, void *memory, uint64_t length) {
    const struct nic_card_state *state = card->state;
    struct nic_layout layout = nic_layout(state->entries);
    if (layout.bytes == 0 || layout.bytes > length)
        return ERR_INVALID;
    card->rings.shared = memory;
    error_t error = ring_pair_attach_server(&card->rings.receive, (char *)memory + layout.receive_offset, layout.pair_bytes,
                                            state->entries, sizeof(struct nic_frame), sizeof(struct nic_done));
    if (error == ERR_OK)
        error = ring_pair_attach_server(&card->rings.transmit, (char *)memory + layout.transmit_offset, layout.pair_bytes,
                                        state->entries, sizeof(struct nic_frame), sizeof(struct nic_done));
    if (error == ERR_OK && (!pair_open(&card->rings.receive, &card->receive_taking, state->received) ||
                            !pair_open(&card->rings.transmit, &card->send_taking, state->sent)))
        error = ERR_CORRUPT;
    card->receive_broken = card->send_broken = error != ERR_OK;
    return error;
}

void nic_rings_taken(struct nic_card *card, uint32_t receive, uint32_t send) {
    card->receive_taken = card->receive_taking.position = receive;
    card->send_taken = card->send_taking.position = send;
    __builtin_memset(card->send_bad, 0, sizeof(card->send_bad));
    card->dirty = true; // an earlier actor may have noted more than it showed
}

static void broken(bool *flag, const char *line) {
    if (!*flag)
        report_line(REPORT_WARNING, line);
    *flag = true;
}

static void receive_broken(struct nic_card *card) {
    broken(&card->receive_broken, "a client has broken its ring to receive; nothing more is taken from it");
}

static void send_broken(struct nic_card *card) {
    broken(&card->send_broken, "a client has broken its ring to send; nothing more is taken from it");
}

static bool piece_place(const struct nic_frame *frame, const uint32_t *page_frames, uint32_t pages, uint64_t *physical) {
    uint32_t page = frame->offset / NIC_PAGE_BYTES, within = frame->offset % NIC_PAGE_BYTES;
    if (frame->length == 0 || page >= pages || frame->length > NIC_PAGE_BYTES - within)
        return false;
    *physical = (uint64_t)page_frames[page] * NIC_PAGE_BYTES + within;
    return true;
}

// The physical address of a piece. False: it does not lie within one page of the buffer.
static bool piece_find(const struct nic_card_state *state, const struct nic_frame *frame, uint64_t *physical) {
    uint32_t index = frame->buffer - 1u;
    return index < state->buffer_count && piece_place(frame, state->page_frames[index], state->buffer_pages[index], physical);
}

// The same for a piece to send, which may be lent: the loan is added to `loans`, a mask.
static bool piece_find_to_send(const struct nic_card_state *state, const struct nic_frame *frame, uint64_t *physical,
                               uint32_t *loans) {
    if (frame->buffer < NIC_LOAN_FIRST)
        return piece_find(state, frame, physical);
    uint32_t index = frame->buffer - NIC_LOAN_FIRST;
    const struct nic_loan *loan = &state->loans[index % NIC_LOANS_MOST];
    *loans |= 1u << index % NIC_LOANS_MOST;
    return index < NIC_LOANS_MOST && loan->memory != 0 && piece_place(frame, loan->page_frames, loan->pages, physical);
}

static void complete(struct nic_card *card, struct ring_pair *pair, uint32_t *position, const struct nic_done *done) {
    if (ring_push(&pair->completions, done) != ERR_OK) { // never: there was room for it when it was taken
        receive_broken(card);
        send_broken(card);
        return;
    }
    pair->requests.position++;
    card->dirty = true;
    __atomic_store_n(position, *position + 1, __ATOMIC_RELEASE);
}

static void receive_complete(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    struct nic_done done = {0};
    while (state->received != card->receive_taken && card->driver->receive_done(card, state->received, &done)) {
        if ((done.flags & NIC_DONE_FLAG_ERROR) != 0) {
            state->statistics.received_errors++;
        } else {
            state->statistics.received_frames++;
            state->statistics.received_bytes += done.length;
        }
        complete(card, &card->rings.receive, &state->received, &done);
        done = (struct nic_done){0};
    }
}

// Whether one more can be completed, with `ahead` to be completed before it.
static bool has_room(struct ring_pair *pair, uint32_t ahead, bool *flag) {
    const struct ring *ring = &pair->completions;
    if (ahead < ring->entries - (ring->position - ring->other) && !ring->broken) // as the client was seen last
        return true;
    if (ahead < ring_room(&pair->completions))
        return true;
    if (pair->completions.broken)
        broken(flag, "a client has broken a ring of completions; nothing more is taken from it");
    return false;
}

static void receive_take(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    struct nic_frame frame;
    uint64_t physical;
    while (!card->receive_broken &&
           has_room(&card->rings.receive, card->receive_taken - state->received, &card->receive_broken)) {
        struct ring before = card->receive_taking;
        error_t error = ring_pop(&card->receive_taking, &frame);
        if (error == ERR_AGAIN)
            return;
        if (error != ERR_OK || frame.length < NIC_ROOM_BYTES || frame.flags != 0 || !piece_find(state, &frame, &physical)) {
            receive_broken(card);
            return;
        }
        if (!card->driver->receive_add(card, card->receive_taken, physical, frame.length)) {
            card->receive_taking = before;
            return;
        }
        card->receive_taken++;
    }
}

static void send_complete(struct nic_card *card) {
    struct nic_card_state *state = card->state;
    uint32_t done = card->driver->send_done(card);
    while (state->sent != card->send_taken) {
        uint8_t *bad = &card->send_bad[state->sent % NIC_ENTRIES_MOST];
        if (*bad == 0 && (int32_t)(done - state->sent) <= 0)
            return;
        struct nic_done entry = {.flags = *bad != 0 ? NIC_DONE_FLAG_ERROR : 0};
        *bad = 0;
        complete(card, &card->rings.transmit, &state->sent, &entry);
    }
}

static bool options_fit(const struct nic_card *card, const struct nic_frame *first, struct nic_send *send) {
    if ((first->flags & ~(NIC_FRAME_FLAG_MORE | NIC_FRAME_FLAG_CHECKSUM | NIC_FRAME_FLAG_SEGMENT)) != 0)
        return false;
    bool checksum = (first->flags & NIC_FRAME_FLAG_CHECKSUM) != 0;
    bool segment = (first->flags & NIC_FRAME_FLAG_SEGMENT) != 0;
    if (segment && (!checksum || (card->features & NIC_FEATURE_SEGMENT) == 0 || first->segment_size < 64 ||
                    first->header_length <= first->checksum_start || send->length <= first->header_length ||
                    first->header_length + first->segment_size > NIC_FRAME_MOST))
        return false;
    if (!checksum)
        return true;
    if ((card->features & NIC_FEATURE_CHECKSUM_SEND) == 0 || first->checksum_start < NIC_HEADER_BYTES ||
        first->checksum_start > 255 || first->checksum_offset > 64 ||
        first->checksum_start + first->checksum_offset + 2u > send->length)
        return false;
    send->checksum_start = first->checksum_start;
    send->checksum_offset = first->checksum_offset;
    if (segment) {
        send->segment_size = first->segment_size;
        send->header_length = first->header_length;
    }
    return true;
}

enum taken { TAKEN_FRAME, TAKEN_BAD, TAKEN_NONE };

// Reads one frame's entries, each once. TAKEN_BAD: they are to be completed with an error.
static enum taken frame_take(struct nic_card *card, struct nic_send *send) {
    struct nic_card_state *state = card->state;
    struct nic_frame first = {0}, frame;
    uint32_t loans = 0;
    bool good = true;
    send->count = send->length = 0; // not all of it: its pieces are many
    send->checksum_start = send->checksum_offset = send->segment_size = send->header_length = 0;
    for (uint32_t entries = 0;; entries++) {
        if (!has_room(&card->rings.transmit, card->send_taken - state->sent + entries, &card->send_broken))
            return TAKEN_NONE;
        error_t error = ring_pop(&card->send_taking, &frame);
        if (error == ERR_AGAIN)
            return TAKEN_NONE;
        if (error != ERR_OK) {
            send_broken(card);
            return TAKEN_NONE;
        }
        if (entries == 0)
            first = frame;
        if (entries >= NIC_PIECES_MOST || !piece_find_to_send(state, &frame, &send->pieces[send->count].physical, &loans)) {
            good = false;
        } else {
            send->pieces[send->count++].length = frame.length;
            send->length += frame.length;
        }
        if ((frame.flags & NIC_FRAME_FLAG_MORE) == 0)
            break;
    }
    send->end = card->send_taking.position;
    bool segment = (first.flags & NIC_FRAME_FLAG_SEGMENT) != 0;
    if (good && (send->length < NIC_HEADER_BYTES || send->length > (segment ? 65535 : NIC_FRAME_MOST) ||
                 !options_fit(card, &first, send)))
        good = false;
    for (uint32_t i = 0; good && loans >> i != 0; i++)
        if ((loans >> i & 1) != 0) {
            state->loans[i].last = send->end;
            __atomic_store_n(&state->loans[i].used, 1, __ATOMIC_RELEASE);
        }
    return good ? TAKEN_FRAME : TAKEN_BAD;
}

bool nic_loan_is_busy(const struct nic_card *card, const struct nic_loan *loan) {
    struct ring ahead = card->send_taking;
    struct nic_frame frame;
    return (loan->used != 0 && (int32_t)(loan->last - card->state->sent) > 0) || ring_pop(&ahead, &frame) == ERR_OK;
}

static void send_take(struct nic_card *card) {
    struct nic_statistics *statistics = &card->state->statistics;
    struct nic_send send;
    while (!card->send_broken) {
        struct ring before = card->send_taking;
        enum taken taken = frame_take(card, &send);
        if (taken == TAKEN_FRAME && !card->driver->send_add(card, &send))
            taken = TAKEN_NONE;
        if (taken == TAKEN_NONE) {
            card->send_taking.position = before.position;
            return;
        }
        for (; card->send_taken != send.end; card->send_taken++)
            card->send_bad[card->send_taken % NIC_ENTRIES_MOST] = taken == TAKEN_BAD;
        if (taken == TAKEN_BAD) {
            statistics->sent_errors++;
        } else {
            statistics->sent_frames++;
            statistics->sent_bytes += send.length;
        }
    }
}

// Otherwise new room can wait for whatever event comes next.
static bool room_is_short(const struct nic_card *card) {
    return card->receive_taken - card->state->received < card->state->entries / 2;
}

void nic_rings_work(struct nic_card *card) {
    receive_complete(card);
    send_complete(card);
    for (bool asked = false;;) {
        uint32_t receive = card->receive_taken, send = card->send_taken;
        receive_take(card);
        send_take(card);
        if (receive != card->receive_taken || send != card->send_taken) {
            card->driver->show(card);
            send_complete(card);
            asked = false;
        } else if (asked) {
            return; // what could not be taken waits for the card, or is not whole yet
        } else {
            if (room_is_short(card))
                (void)ring_sleep(&card->receive_taking);
            (void)ring_sleep(&card->send_taking);
            asked = true;
        }
    }
}

void nic_rings_flush(struct nic_card *card) {
    if (!card->dirty)
        return;
    card->dirty = false;
    struct ring_pair *receive = &card->rings.receive, *transmit = &card->rings.transmit;
    bool wanted = ring_release(&receive->requests); // first: who sees the completion finds the room as well
    wanted = ring_publish(&receive->completions) || wanted;
    wanted = ring_release(&transmit->requests) || wanted;
    wanted = ring_publish(&transmit->completions) || wanted;
    if (wanted)
        nic_rings_signal(card);
}

// True: it was switched on, and what came before is not told of.
static bool receive_watch(struct nic_card *card, bool on) {
    bool before = card->receive_watched;
    card->receive_watched = on;
    if (before != on)
        card->driver->receive_interrupt(card, on);
    return on && !before;
}

void nic_rings_serve(struct nic_card *card) {
    bool again;
    do {
        uint32_t before = card->state->received;
        nic_rings_work(card);
        nic_rings_flush(card);
        uint32_t frames = card->state->received - before;
        again = receive_watch(card, frames < (card->receive_watched ? BUSY_FRAMES : 1));
        if (!card->receive_watched)
            again = !ring_sleep(&card->receive_taking) && !card->receive_broken; // the client's signal brings us here again
    } while (again);
}

void nic_rings_signal(struct nic_card *card) {
    error_t ignored = notification_signal(card->state->client, card->state->client_bits);
    (void)ignored; // a client that is gone needs none
    card->state->statistics.signals++;
}
