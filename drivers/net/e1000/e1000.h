// Intel's 82540EM and 82574L as one driver: the 82574L with its old descriptor formats. Invariant: a position
// of the client's receive ring has one descriptor, (position - receive_base) modulo their number; a frame to
// send has a run of descriptors that ends with one marked in `send_ends`.
#pragma once

#include "drivers/net/e1000/registers.h"
#include "drivers/net/service/card.h"

enum {
    E1000_RECEIVE_DESCRIPTORS = 256, // one page; the card holds one less
    E1000_SEND_DESCRIPTORS = 512,
    E1000_RECEIVE_BYTES = E1000_RECEIVE_DESCRIPTORS * 16,
    E1000_SEND_BYTES = E1000_SEND_DESCRIPTORS * 16,
};

// What the card was told last about sums and segments (a context descriptor); valid 0: nothing.
struct e1000_context {
    uint32_t valid;
    uint64_t fields;
    uint32_t command, upper;
};

// In state memory.
struct e1000_state {
    uint32_t receive_base; // position of descriptor 0
    uint32_t send_clean;   // descriptor: those before it belong to frames that were completed
    struct e1000_context context;
    uint32_t send_ends[E1000_SEND_DESCRIPTORS]; // position behind the frame, at its last descriptor
    uint8_t send_last[E1000_SEND_DESCRIPTORS];
};
_Static_assert(sizeof(struct e1000_state) <= NIC_DRIVER_STATE_BYTES, "room for it");

// Of this actor.
struct e1000 {
    volatile void *registers;
    volatile struct e1000_receive_descriptor *receive;
    volatile struct e1000_send_descriptor *send;
    struct e1000_state *state;
    uint32_t receive_tail, send_tail; // descriptors, not yet shown
    uint32_t shown_receive, shown_send;
    bool receive_unwanted, receive_masked; // interrupts for frames received
};

extern const struct nic_driver e1000_driver;

struct e1000 *e1000_of(const struct nic_card *card);

// device.c
void e1000_stop(struct nic_card *card);
// receive.c
void e1000_receive_reset(struct nic_card *card);
MUST_USE error_t e1000_receive_resume(struct nic_card *card, uint32_t *taken);
bool e1000_receive_add(struct nic_card *card, uint32_t position, uint64_t physical, uint32_t length);
bool e1000_receive_done(struct nic_card *card, uint32_t position, struct nic_done *done);
// send.c
void e1000_send_reset(struct nic_card *card);
MUST_USE error_t e1000_send_resume(struct nic_card *card, uint32_t *taken);
bool e1000_send_add(struct nic_card *card, const struct nic_send *send);
uint32_t e1000_send_done(struct nic_card *card);
