// The card itself: reset, addresses it listens to, link, interrupts, counters. Section numbers are of the
// manual named in registers.h.
#include "drivers/framework/mmio.h"
#include "drivers/net/e1000/e1000.h"

enum { RESET_READS_MOST = 1000000, SPEEDS = 4 };

#define RECEIVE_INTERRUPTS (E1000_ICR_RXDMT0 | E1000_ICR_RXO | E1000_ICR_RXT0)
#define INTERRUPTS         (E1000_ICR_LSC | RECEIVE_INTERRUPTS)

enum { CARDS = 2 };

static struct e1000 cards[CARDS];

struct e1000 *e1000_of(const struct nic_card *card) {
    return &cards[card->index];
}

static void write(const struct nic_card *card, uint32_t offset, uint32_t value) {
    mmio_write32(e1000_of(card)->registers, offset, value);
}

static uint32_t read(const struct nic_card *card, uint32_t offset) {
    return mmio_read32(e1000_of(card)->registers, offset);
}

static error_t attach(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    uint64_t length;
    error_t error = nic_card_region(card, 0, &e1000->registers, &length);
    if (error != ERR_OK)
        return error;
    if (length < E1000_REGISTERS_BYTES)
        return ERR_NOT_SUPPORTED;
    e1000->state = (struct e1000_state *)(void *)card->state->driver;
    e1000->receive = card->dma;
    e1000->send = (volatile struct e1000_send_descriptor *)(void *)((char *)card->dma + E1000_RECEIVE_BYTES);
    bool is_82574 = nic_card_config(card, 2, 2) == 0x10d3;
    card->features = NIC_FEATURE_CHECKSUM_SEND | NIC_FEATURE_CHECKSUM_RECEIVE | NIC_FEATURE_LINK;
    if (!is_82574) // QEMU 7.2's 82574L cuts a segment into IPv4 fragments, with a wrong sum
        card->features |= NIC_FEATURE_SEGMENT;
    const char *model = is_82574 ? "Intel 82574L" : "Intel 82540EM";
    for (uint32_t i = 0; model[i] != '\0'; i++)
        card->model[i] = model[i];
    return ERR_OK;
}

// The address that the card took from its EEPROM (13.5.2).
static void address_read(struct nic_card *card) {
    uint32_t low = read(card, E1000_RAL), high = read(card, E1000_RAH);
    for (uint32_t i = 0; i < 4; i++)
        card->address[i] = (uint8_t)(low >> 8 * i);
    card->address[4] = (uint8_t)high;
    card->address[5] = (uint8_t)(high >> 8);
}

// 14.3: interrupts are masked, the units stop, then everything is reset. Frames that the card is moving end
// with it.
void e1000_stop(struct nic_card *card) {
    write(card, E1000_IMC, UINT32_MAX);
    write(card, E1000_RCTL, 0);
    write(card, E1000_TCTL, 0);
    (void)read(card, E1000_STATUS); // posted writes have arrived
    write(card, E1000_CTRL, read(card, E1000_CTRL) | E1000_CTRL_RST);
    for (uint32_t i = 0; i < RESET_READS_MOST && (read(card, E1000_CTRL) & E1000_CTRL_RST) != 0; i++) {
    }
    write(card, E1000_IMC, UINT32_MAX);
    (void)read(card, E1000_ICR);
}

static uint32_t receive_control(const struct nic_card *card) {
    uint32_t control = E1000_RCTL_EN | E1000_RCTL_BAM | E1000_RCTL_SECRC;
    if ((card->state->filter & NIC_FILTER_PROMISCUOUS) != 0)
        control |= E1000_RCTL_UPE | E1000_RCTL_MPE;
    if ((card->state->filter & NIC_FILTER_ALL_MULTICAST) != 0)
        control |= E1000_RCTL_MPE;
    return control;
}

// 14.3 to 14.5. The link needs nothing but SLU: PHYs of these cards negotiate by themselves.
static error_t reset(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    if ((read(card, E1000_CTRL) & E1000_CTRL_RST) != 0)
        return ERR_IO; // stop did not get it to reset
    write(card, E1000_CTRL, read(card, E1000_CTRL) | E1000_CTRL_SLU | E1000_CTRL_ASDE);
    address_read(card);
    for (uint32_t i = 0; i < E1000_MTA_REGISTERS; i++)
        write(card, E1000_MTA + 4 * i, 0);
    e1000_receive_reset(card);
    e1000_send_reset(card);
    write(card, E1000_RDTR, 0);
    write(card, E1000_TIDV, 0);
    write(card, E1000_ITR, 0);
    write(card, E1000_RXCSUM, E1000_RXCSUM_IPOFLD | E1000_RXCSUM_TUOFLD);
    write(card, E1000_TIPG, 10 | 8 << 10 | 6 << 20); // table 13-77, for copper
    write(card, E1000_TCTL, E1000_TCTL_EN | E1000_TCTL_PSP | 15 << E1000_TCTL_CT_SHIFT | 64 << E1000_TCTL_COLD_SHIFT);
    write(card, E1000_RCTL, receive_control(card));
    e1000->receive_unwanted = e1000->receive_masked = false;
    write(card, E1000_IMS, INTERRUPTS);
    return ERR_OK;
}

static error_t resume(struct nic_card *card, uint32_t *receive_taken, uint32_t *send_taken) {
    if ((read(card, E1000_RCTL) & E1000_RCTL_EN) == 0 || (read(card, E1000_TCTL) & E1000_TCTL_EN) == 0)
        return ERR_CORRUPT;
    e1000_of(card)->receive_masked = true; // perhaps
    address_read(card);
    error_t error = e1000_receive_resume(card, receive_taken);
    return error == ERR_OK ? e1000_send_resume(card, send_taken) : error;
}

static void show(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // descriptors before the tail that shows them
    if (e1000->receive_tail != e1000->shown_receive) {
        e1000->shown_receive = e1000->receive_tail;
        write(card, E1000_RDT, e1000->receive_tail);
    }
    if (e1000->send_tail != e1000->shown_send) {
        e1000->shown_send = e1000->send_tail;
        write(card, E1000_TDT, e1000->send_tail);
    }
}

static void send_interrupt(struct nic_card *card, bool on) {
    write(card, on ? E1000_IMS : E1000_IMC, E1000_ICR_TXDW);
}

// Masking is put off until one comes that is not wanted: few frames cost no write to a register.
static void receive_interrupt(struct nic_card *card, bool on) {
    struct e1000 *e1000 = e1000_of(card);
    e1000->receive_unwanted = !on;
    if (on && e1000->receive_masked) {
        e1000->receive_masked = false;
        write(card, E1000_IMS, RECEIVE_INTERRUPTS);
    }
}

static uint32_t interrupt(struct nic_card *card) {
    struct e1000 *e1000 = e1000_of(card);
    uint32_t causes = read(card, E1000_ICR);
    if (e1000->receive_unwanted && !e1000->receive_masked && (causes & RECEIVE_INTERRUPTS) != 0) {
        e1000->receive_masked = true;
        write(card, E1000_IMC, RECEIVE_INTERRUPTS);
    }
    return (causes & E1000_ICR_LSC ? (uint32_t)NIC_EVENT_LINK : 0) |
           (causes & ~(uint32_t)E1000_ICR_LSC ? (uint32_t)NIC_EVENT_WORK : 0);
}

static bool link(struct nic_card *card) {
    static const uint32_t speeds[SPEEDS] = {10, 100, 1000, 1000};
    uint32_t status = read(card, E1000_STATUS);
    card->speed = speeds[status >> E1000_STATUS_SPEED_SHIFT & 3];
    card->full_duplex = (status & E1000_STATUS_FD) != 0;
    return (status & E1000_STATUS_LU) != 0;
}

// 13.5.1: twelve bits of the address choose a bit of the table.
static void set_filter(struct nic_card *card) {
    const struct nic_card_state *state = card->state;
    uint32_t table[E1000_MTA_REGISTERS] = {0};
    for (uint32_t i = 0; i < state->address_count && i < NIC_ADDRESSES_MOST; i++) {
        const uint8_t *address = state->addresses[i];
        uint32_t hash = (uint32_t)address[4] >> 4 | (uint32_t)address[5] << 4;
        table[hash >> 5] |= UINT32_C(1) << (hash & 31);
    }
    for (uint32_t i = 0; i < E1000_MTA_REGISTERS; i++)
        write(card, E1000_MTA + 4 * i, table[i]);
    uint32_t control = receive_control(card);
    if (read(card, E1000_RCTL) != control) // QEMU's 82540EM receives nothing for a second after a write
        write(card, E1000_RCTL, control);
}

static void count(struct nic_card *card) {
    card->state->statistics.received_missed += read(card, E1000_MPC);
    card->state->statistics.received_errors += read(card, E1000_CRCERRS) + read(card, E1000_RXERRC);
}

const struct nic_driver e1000_driver = {
    .name = "e1000",
    .dma_bytes = E1000_RECEIVE_BYTES + E1000_SEND_BYTES,
    .receive_depth = E1000_RECEIVE_DESCRIPTORS - 1,
    .transmit_depth = NIC_ENTRIES_MOST,
    .attach = attach,
    .reset = reset,
    .resume = resume,
    .stop = e1000_stop,
    .receive_add = e1000_receive_add,
    .receive_done = e1000_receive_done,
    .send_add = e1000_send_add,
    .send_done = e1000_send_done,
    .show = show,
    .send_interrupt = send_interrupt,
    .receive_interrupt = receive_interrupt,
    .interrupt = interrupt,
    .link = link,
    .set_filter = set_filter,
    .count = count,
};
