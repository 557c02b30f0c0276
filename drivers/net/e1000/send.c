// Send descriptors: for each frame a context descriptor if the card must be told something new about its
// sums, then one for each piece. See e1000.h.
#include "drivers/framework/mmio.h"
#include "drivers/net/e1000/e1000.h"

enum { IP_CHECKSUM_OFFSET = 10 }; // of the IPv4 header (RFC 791, 3.1)

static uint32_t next(uint32_t index) {
    return (index + 1) % E1000_SEND_DESCRIPTORS;
}

void e1000_send_reset(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    uint64_t physical = card->state->dma_physical + E1000_RECEIVE_BYTES;
    e1000->state->context = (struct e1000_context){0};
    e1000->state->send_clean = 0;
    e1000->send_tail = e1000->shown_send = 0;
    mmio_write32(e1000->registers, E1000_TDBAL, (uint32_t)physical);
    mmio_write32(e1000->registers, E1000_TDBAH, (uint32_t)(physical >> 32));
    mmio_write32(e1000->registers, E1000_TDLEN, E1000_SEND_BYTES);
    mmio_write32(e1000->registers, E1000_TDH, 0);
    mmio_write32(e1000->registers, E1000_TDT, 0);
}

error_t e1000_send_resume(struct nic_card *card, uint32_t *taken) {
    struct e1000 *e1000 = e1000_of(card);
    uint32_t tail = mmio_read32(e1000->registers, E1000_TDT);
    uint64_t physical = card->state->dma_physical + E1000_RECEIVE_BYTES;
    if (mmio_read32(e1000->registers, E1000_TDBAL) != (uint32_t)physical ||
        mmio_read32(e1000->registers, E1000_TDLEN) != E1000_SEND_BYTES || tail >= E1000_SEND_DESCRIPTORS ||
        e1000->state->send_clean >= E1000_SEND_DESCRIPTORS)
        return ERR_CORRUPT;
    e1000->send_tail = e1000->shown_send = tail;
    e1000->state->context.valid = 0; // its descriptor may not have been shown
    (void)e1000_send_done(card);     // what was completed lies behind us
    *taken = card->state->sent;
    if (e1000->state->send_clean == tail)
        return ERR_OK;
    uint32_t last = (tail + E1000_SEND_DESCRIPTORS - 1) % E1000_SEND_DESCRIPTORS;
    if (!e1000->state->send_last[last])
        return ERR_CORRUPT;
    *taken = e1000->state->send_ends[last];
    return *taken - card->state->sent <= card->state->entries ? ERR_OK : ERR_CORRUPT;
}

static struct e1000_context context_of(const struct nic_send *send) {
    struct e1000_context context = {.valid = 1, .command = E1000_TXD_CONTEXT | E1000_TXD_DEXT | E1000_TXD_RS};
    uint64_t start = send->checksum_start;
    context.fields = start << 32 | (start + send->checksum_offset) << 40;
    if (send->segment_size == 0)
        return context;
    context.fields |= NIC_HEADER_BYTES | (NIC_HEADER_BYTES + IP_CHECKSUM_OFFSET) << 8 | (uint32_t)(start - 1) << 16;
    context.command |= E1000_TXD_TSE | E1000_TXD_TCP | E1000_TXD_IP | (send->length - send->header_length); // PAYLEN
    context.upper = (uint32_t)send->header_length << E1000_TXD_HDRLEN_SHIFT | (uint32_t)send->segment_size << E1000_TXD_MSS_SHIFT;
    return context;
}

static void put(struct e1000 *e1000, uint64_t address, uint32_t command, uint32_t upper, bool last, uint32_t end) {
    volatile struct e1000_send_descriptor *descriptor = &e1000->send[e1000->send_tail];
    descriptor->address = address;
    descriptor->upper = upper;
    descriptor->command = command;
    e1000->state->send_ends[e1000->send_tail] = end;
    e1000->state->send_last[e1000->send_tail] = last;
    e1000->send_tail = next(e1000->send_tail);
}

bool e1000_send_add(struct nic_card *card, const struct nic_send *send) {
    struct e1000 *e1000 = e1000_of(card);
    uint32_t used = (e1000->send_tail - e1000->state->send_clean) % E1000_SEND_DESCRIPTORS;
    if (used + send->count + 1 >= E1000_SEND_DESCRIPTORS)
        return false;
    uint32_t command = E1000_TXD_DATA | E1000_TXD_DEXT | E1000_TXD_IFCS, upper = 0;
    if (send->checksum_start != 0) {
        struct e1000_context context = context_of(send), *told = &e1000->state->context;
        if (!told->valid || told->fields != context.fields || told->command != context.command || told->upper != context.upper) {
            *told = context;
            put(e1000, context.fields, context.command, context.upper, false, 0);
        }
        upper = E1000_TXD_TXSM;
    }
    if (send->segment_size != 0) {
        command |= E1000_TXD_TSE;
        upper |= E1000_TXD_IXSM;
    }
    for (uint32_t i = 0; i < send->count; i++) {
        bool last = i + 1 == send->count;
        put(e1000, send->pieces[i].physical, command | send->pieces[i].length | (last ? E1000_TXD_EOP | E1000_TXD_RS : 0), upper,
            last, send->end);
    }
    return true;
}

uint32_t e1000_send_done(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    uint32_t done = card->state->sent;
    uint32_t first = e1000->state->send_clean, index = first;
    while (index != e1000->shown_send) {
        uint32_t at = index;
        while (!e1000->state->send_last[at] && at != e1000->shown_send)
            at = next(at);
        if (at == e1000->shown_send || (e1000->send[at].upper & E1000_TXD_DD) == 0)
            break;
        done = e1000->state->send_ends[at];
        index = next(at);
        // Free for other frames only when state memory says that this one is completed.
        if ((int32_t)(done - card->state->sent) <= 0)
            e1000->state->send_clean = index;
    }
    return (int32_t)(done - card->state->sent) < 0 ? card->state->sent : done;
}
