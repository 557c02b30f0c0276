// Receive descriptors, one for each entry of the client's ring. See e1000.h.
#include "drivers/framework/mmio.h"
#include "drivers/net/e1000/e1000.h"

static uint32_t index_of(const struct e1000 *e1000, uint32_t position) {
    return (position - e1000->state->receive_base) % E1000_RECEIVE_DESCRIPTORS;
}

void e1000_receive_reset(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    uint64_t physical = card->state->dma_physical;
    e1000->state->receive_base = card->state->received;
    e1000->receive_tail = e1000->shown_receive = 0;
    mmio_write32(e1000->registers, E1000_RDBAL, (uint32_t)physical);
    mmio_write32(e1000->registers, E1000_RDBAH, (uint32_t)(physical >> 32));
    mmio_write32(e1000->registers, E1000_RDLEN, E1000_RECEIVE_BYTES);
    mmio_write32(e1000->registers, E1000_RDH, 0);
    mmio_write32(e1000->registers, E1000_RDT, 0);
}

error_t e1000_receive_resume(struct nic_card *card, uint32_t *taken) {
    struct e1000 *e1000 = e1000_of(card);
    uint32_t tail = mmio_read32(e1000->registers, E1000_RDT);
    if (mmio_read32(e1000->registers, E1000_RDBAL) != (uint32_t)card->state->dma_physical ||
        mmio_read32(e1000->registers, E1000_RDLEN) != E1000_RECEIVE_BYTES || tail >= E1000_RECEIVE_DESCRIPTORS)
        return ERR_CORRUPT;
    uint32_t held = (tail - index_of(e1000, card->state->received)) % E1000_RECEIVE_DESCRIPTORS;
    *taken = card->state->received + held;
    e1000->receive_tail = e1000->shown_receive = tail;
    return ERR_OK;
}

bool e1000_receive_add(struct nic_card *card, uint32_t position, uint64_t physical, uint32_t length) {
    struct e1000 *e1000 = e1000_of(card);
    (void)length; // the card uses 2,048 bytes
    // Equal head and tail mean that the card has nothing: it never holds all (3.2.6).
    if (position - card->state->received >= E1000_RECEIVE_DESCRIPTORS - 1)
        return false;
    volatile struct e1000_receive_descriptor *descriptor = &e1000->receive[index_of(e1000, position)];
    descriptor->address = physical;
    descriptor->status = 0;
    e1000->receive_tail = index_of(e1000, position + 1);
    return true;
}

// Whether the card looked at the sums, and found them right (3.2.3.1, 3.2.3.2).
static uint32_t checksum_flags(uint8_t status, uint8_t errors) {
    if ((status & E1000_RXD_IXSM) != 0)
        return 0;
    if ((errors & (E1000_RXD_ERROR_IPE | E1000_RXD_ERROR_TCPE)) != 0)
        return NIC_DONE_FLAG_CHECKSUM_BAD;
    bool transport = (status & (E1000_RXD_TCPCS | E1000_RXD_UDPCS)) != 0;
    return (status & E1000_RXD_IPCS) != 0 && transport ? NIC_DONE_FLAG_CHECKSUM_GOOD : 0;
}

bool e1000_receive_done(struct nic_card *card, uint32_t position, struct nic_done *done) {
    struct e1000 *e1000 = e1000_of(card);
    volatile struct e1000_receive_descriptor *descriptor = &e1000->receive[index_of(e1000, position)];
    uint8_t status = descriptor->status, errors = descriptor->errors;
    uint32_t length = descriptor->length;
    if ((status & E1000_RXD_DD) == 0)
        return false;
    uint8_t checksums = E1000_RXD_ERROR_IPE | E1000_RXD_ERROR_TCPE;
    if ((status & E1000_RXD_EOP) == 0 || (errors & ~checksums) != 0 || length > NIC_ROOM_BYTES)
        *done = (struct nic_done){.flags = NIC_DONE_FLAG_ERROR};
    else
        *done = (struct nic_done){.length = length, .flags = checksum_flags(status, errors)};
    return true;
}
