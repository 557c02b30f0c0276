// A network card as the shared part (drivers/net/service) and a driver of one kind of card see it: what the
// driver implements, and what it finds. Positions count the entries of a ring since its session began, modulo
// 2^32. Everything runs on the server's one thread; nothing here waits.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/transfer/nic_rings.h"

enum { NIC_REGIONS = 6, NIC_DRIVER_STATE_BYTES = 8192 };

// Memory of attach_pages. Filled before `memory` is stored; `last` before the card is shown the frame.
struct nic_loan {
    cap_t memory;        // 0: none
    uint32_t generation; // of `buffer`
    uint32_t pages;
    uint32_t used, last;                  // frames have named it, the last one up to this position of the ring to send
    uint32_t ending;                      // it was detached
    uint64_t number_thread, number_count; // of the request that attached it: it may come again after a restart
    uint32_t page_frames[NIC_LOAN_PAGES];
};

// What a new actor goes on with, in state memory. Capabilities are slots of the role's table.
struct nic_card_state {
    uint32_t claimed;  // the fields up to the line are filled
    uint32_t attempts; // actors in a row that took the card over and did not come to work with it
    cap_t device, irq, dma, regions[NIC_REGIONS];
    uint32_t is_message; // the interrupt is one, not a line
    uint64_t region_bytes[NIC_REGIONS], region_offsets[NIC_REGIONS];
    uint64_t dma_physical;
    uint32_t running; // the card was set up, and masters the bus
    uint32_t fresh;   // and has had no client since
    uint32_t link;    // as in struct nic_shared
    uint64_t filter;
    uint32_t address_count;
    uint8_t addresses[NIC_ADDRESSES_MOST][6];
    struct nic_statistics statistics;
    // ---- the client's
    uint64_t session;                     // badge of the session that has the rings; 0: none
    uint64_t number_thread, number_count; // of its last request to attach: it may come again after a restart
    cap_t rings, client;
    uint64_t client_bits;
    uint32_t entries;
    uint32_t buffer_count;
    cap_t buffers[NIC_BUFFERS_MOST];
    uint32_t buffer_pages[NIC_BUFFERS_MOST];
    uint32_t page_frames[NIC_BUFFERS_MOST][NIC_BUFFER_PAGES]; // physical addresses, divided by 4,096
    uint32_t received, sent;                                  // positions: what was completed; stored before it is shown
    uint32_t loan_generation;
    struct nic_loan loans[NIC_LOANS_MOST];
    // ---- the driver's
    _Alignas(64) unsigned char driver[NIC_DRIVER_STATE_BYTES];
};

struct nic_piece {
    uint64_t physical;
    uint32_t length;
};

// One frame to send. checksum_start, segment_size: 0 without.
struct nic_send {
    struct nic_piece pieces[NIC_PIECES_MOST];
    uint32_t count;
    uint32_t length; // of all
    uint32_t end;    // position behind its last entry
    uint16_t checksum_start, checksum_offset, segment_size;
    uint8_t header_length;
};

enum nic_event {
    NIC_EVENT_NONE = 0,
    NIC_EVENT_WORK = 1,
    NIC_EVENT_LINK = 2,
    NIC_EVENT_ANY = 4, // what it is the card does not tell
};

struct nic_card;

struct nic_driver {
    const char *name;
    uint64_t dma_bytes;                     // contiguous memory that the card needs, a multiple of 4,096
    uint32_t receive_depth, transmit_depth; // see struct nic_status
    // At each actor's start: finds the registers (nic_card_region). The card is not touched.
    error_t (*attach)(struct nic_card *card);
    // Stops the card and sets it up anew, with nothing to receive into; positions begin at state->received
    // and state->sent. Fills address, features and model.
    error_t (*reset)(struct nic_card *card);
    // Goes on where an earlier actor stopped: fills what reset fills, and says up to which positions the card
    // has taken requests. ERR_CORRUPT: what that actor left can't be, it must be reset.
    error_t (*resume)(struct nic_card *card, uint32_t *receive_taken, uint32_t *send_taken);
    // No access to memory any more when it returns.
    void (*stop)(struct nic_card *card);
    // Room for the frame at `position`; false: the card can't take more now. Shown to it by `show`.
    bool (*receive_add)(struct nic_card *card, uint32_t position, uint64_t physical, uint32_t length);
    // Whether the room at `position`, the first that was not completed, was filled.
    bool (*receive_done)(struct nic_card *card, uint32_t position, struct nic_done *done);
    // False: no room for it now, and nothing was done.
    bool (*send_add)(struct nic_card *card, const struct nic_send *send);
    // Up to which position (an `end`) frames were sent; state->sent if none was.
    uint32_t (*send_done)(struct nic_card *card);
    void (*show)(struct nic_card *card);
    // Whether the card interrupts for frames sent as well.
    void (*send_interrupt)(struct nic_card *card, bool on);
    // Whether the card interrupts for frames received; it may go on for one more when that is switched off.
    void (*receive_interrupt)(struct nic_card *card, bool on);
    // Takes the causes of an interrupt back from the card: enum nic_event.
    uint32_t (*interrupt)(struct nic_card *card);
    // The link now; fills speed and full_duplex.
    bool (*link)(struct nic_card *card);
    void (*set_filter)(struct nic_card *card); // from the state
    void (*count)(struct nic_card *card);      // adds the card's counters to the state's
};

struct nic_card {
    const struct nic_driver *driver;
    struct nic_card_state *state;
    uint32_t index;
    void *dma; // mapped; zero when the card was claimed
    void *own; // the driver's, of this actor
    // filled by the driver
    uint8_t address[6];
    uint32_t features, speed, full_duplex;
    char model[40];
    // the service's
    struct nic_rings rings;
    struct ring receive_taking, send_taking; // what was read ahead of the completions
    uint32_t receive_taken, send_taken;
    uint8_t send_bad[NIC_ENTRIES_MOST]; // by position: refused
    bool receive_broken, send_broken, dirty;
    bool send_watched;    // the card interrupts for frames sent
    bool receive_watched; // and for frames received; false after a take-over: unknown
};

// Maps region `index` (a BAR) of the device.
MUST_USE error_t nic_card_region(struct nic_card *card, uint32_t index, volatile void **registers, uint64_t *length);
// Reads the device's configuration space; all ones if it can't.
uint32_t nic_card_config(const struct nic_card *card, uint32_t offset, uint32_t width);
