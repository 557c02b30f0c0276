// A virtio network device, version 1 (Virtio 1.1, 5.1), with one queue each way. Invariants: a position of
// the client's receive ring has one descriptor, (position - receive_base) modulo their number, and the device's
// header lies in the room (NIC_FEATURE_PREFIX); a frame to send has a run of descriptors, of which the first is its
// header's.
#pragma once

#include "drivers/bus/virtio/queue.h"
#include "drivers/bus/virtio/virtio.h"
#include "drivers/net/service/card.h"

enum { VIRTIO_NET_RECEIVE = 0, VIRTIO_NET_SEND = 1, VIRTIO_NET_QUEUES = 2 };

// 5.1.3 Feature bits.
#define VIRTIO_NET_F_CSUM       (UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM (UINT64_C(1) << 1)
#define VIRTIO_NET_F_MAC        (UINT64_C(1) << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (UINT64_C(1) << 7)
#define VIRTIO_NET_F_HOST_TSO4  (UINT64_C(1) << 11)
#define VIRTIO_NET_F_MRG_RXBUF  (UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS     (UINT64_C(1) << 16)

// 5.1.4 Device configuration layout.
enum { VIRTIO_NET_CONFIG_MAC = 0, VIRTIO_NET_CONFIG_STATUS = 6, VIRTIO_NET_STATUS_LINK_UP = 1 };

// 5.1.6 Device operation: before each frame.
struct virtio_net_header {
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers;
};

enum {
    VIRTIO_NET_HEADER_BYTES = 12,
    VIRTIO_NET_HEADER_STRIDE = 16,
    VIRTIO_NET_NEEDS_CHECKSUM = 1,
    VIRTIO_NET_TCP_V4 = 1, // gso_type
};
_Static_assert(sizeof(struct virtio_net_header) == VIRTIO_NET_HEADER_BYTES, "as the device has it");

// The memory that the device uses, in pages.
enum {
    VIRTIO_NET_RECEIVE_TABLE = 0x0000,
    VIRTIO_NET_SEND_TABLE = 0x1000,
    VIRTIO_NET_RECEIVE_RINGS = 0x2000,
    VIRTIO_NET_SEND_RINGS = 0x3000,
    VIRTIO_NET_USED_OFFSET = 0x400, // of the used ring, behind the available ring
    VIRTIO_NET_SEND_HEADERS = 0x4000,
    VIRTIO_NET_DMA_BYTES = 0x5000,
};

// In state memory.
struct virtio_net_state {
    struct virtio_places places;
    uint32_t sizes[VIRTIO_NET_QUEUES];
    uint64_t features;
    uint32_t receive_base;                  // position of the first descriptor
    uint16_t seen[VIRTIO_NET_QUEUES];       // used elements that were taken
    uint32_t send_clean;                    // running number of a descriptor: those before it belong to completed frames
    uint32_t received[VIRTIO_QUEUE_MOST];   // by descriptor: bytes that the device wrote, plus 1; 0: not yet
    uint32_t send_ends[VIRTIO_QUEUE_MOST];  // by first descriptor: position behind the frame
    uint8_t send_counts[VIRTIO_QUEUE_MOST]; // and its descriptors
    uint8_t send_done[VIRTIO_QUEUE_MOST];
};
_Static_assert(sizeof(struct virtio_net_state) <= NIC_DRIVER_STATE_BYTES, "room for it");

// Of this actor.
struct virtio_net {
    struct virtio virtio;
    struct virtio_queue queues[VIRTIO_NET_QUEUES];
    uint32_t notify[VIRTIO_NET_QUEUES];
    struct virtio_net_state *state;
    uint32_t send_tail; // running number of the next free descriptor
};

extern const struct nic_driver virtio_net_driver;

struct virtio_net *virtio_net_of(const struct nic_card *card);

// frames.c. reset: the queues' memory is zeroed.
void virtio_net_frames_reset(struct nic_card *card);
MUST_USE error_t virtio_net_frames_resume(struct nic_card *card, uint32_t *receive_taken, uint32_t *send_taken);
bool virtio_net_receive_add(struct nic_card *card, uint32_t position, uint64_t physical, uint32_t length);
bool virtio_net_receive_done(struct nic_card *card, uint32_t position, struct nic_done *done);
bool virtio_net_send_add(struct nic_card *card, const struct nic_send *send);
uint32_t virtio_net_send_done(struct nic_card *card);
