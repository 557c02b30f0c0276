// What all drivers of network cards share: claiming cards or taking them over from an earlier actor,
// sessions, state memory, the loop. A driver's main calls nic_service_main with what it implements (card.h).
#pragma once

#include "drivers/framework/driver.h"
#include "drivers/net/service/card.h"
#include "libipc/server/server.h"
#include "libipc/server/timer.h"

enum {
    NIC_CARDS_MOST = 2,
    NIC_SESSIONS_MOST = 16,
    NIC_RING_BIT = 8,      // of the notification, plus the card's index; the bits below are interrupts
    NIC_ATTEMPTS_MOST = 3, // actors in a row that fail with a card before it is reset
    NIC_STATE_VERSION = 2,
    NIC_FIBERS = 2, // methods hardly ever wait
};
#define NIC_STATE_MAGIC UINT64_C(0x6b63696e206b)     // "k nick"
#define NIC_BADGE       UINT64_C(0x006e696300000000) // generation and index: 16 bits each

struct nic_session {
    uint32_t open, generation, card;
};

struct nic_state {
    uint64_t magic;
    uint32_t version, card_count;
    uint32_t restarts, padding;
    struct nic_session sessions[NIC_SESSIONS_MOST];
    struct nic_card_state cards[NIC_CARDS_MOST];
};

struct nic_service {
    struct server server;
    const struct nic_driver *driver;
    struct nic_state *state;
    struct nic_card cards[NIC_CARDS_MOST];
    bool is_restart;
    struct timer timer;            // frames to send are under way that no interrupt tells of
    struct timer link_timer;       // an interrupt may have been about the link
    struct fiber_wait_queue freed; // a card's rings were given up
};

extern struct nic_service nic_service;

struct startup;
int nic_service_main(const struct startup *startup, const struct nic_driver *driver);

// For the files of this folder.
void nic_card_start(struct nic_card *card); // resets the card, and gives it again what was not completed
void nic_card_work(struct nic_card *card);  // after any event
void nic_card_show_link(struct nic_card *card);
void nic_card_status(struct nic_card *card, struct nic_status *status);
MUST_USE error_t nic_card_map_rings(struct nic_card *card);
void nic_card_detach(struct nic_card *card); // the client is gone
struct nic_session *nic_session_find(uint64_t badge);
uint64_t nic_session_badge(const struct nic_session *session);
struct nic_ops;
extern const struct nic_ops nic_operations;
