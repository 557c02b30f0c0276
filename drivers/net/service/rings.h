// Between a client's rings and a card: takes requests, checks them, hands them to the card, and completes
// them in order. Pure: calls nothing but the card's driver and the rings, so that it runs on the host as
// well.
#pragma once

#include "drivers/net/service/card.h"

// Attaches to the rings in `memory`, which was zeroed when the session began, at the state's positions.
// ERR_CORRUPT: the positions in it can't be.
MUST_USE error_t nic_rings_open(struct nic_card *card, void *memory, uint64_t length);

// Up to which positions the card has requests: after resume, or the completed ones after reset.
void nic_rings_taken(struct nic_card *card, uint32_t receive, uint32_t send);

// Everything that can be done now, and shown to the client, whatever event brings us here. If several frames came at once the
// card stops to interrupt, and the client is asked to signal when it gives their room back: its batches set the pace, and a flood
// of frames is no flood of interrupts. The card interrupts again when nothing came between two such signals.
void nic_rings_serve(struct nic_card *card);

// Everything that can be done now: completes what the card has done, takes what the client asks for, and asks
// the client to signal what comes next. What it changed is shown to the client by nic_rings_flush.
void nic_rings_work(struct nic_card *card);

// Whether the card may still read the loan, or an entry name it that was not taken yet.
bool nic_loan_is_busy(const struct nic_card *card, const struct nic_loan *loan);

// Shows completions and room; one signal at most.
void nic_rings_flush(struct nic_card *card);
void nic_rings_signal(struct nic_card *card);

// Whether the card holds frames to send.
static inline bool nic_rings_sending(const struct nic_card *card) {
    return card->send_taken != card->state->sent;
}
