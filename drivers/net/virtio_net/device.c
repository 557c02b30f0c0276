// The device itself: registers, start, link. Section numbers are of "Virtual I/O Device (VIRTIO)
// Version 1.1".
#include <stddef.h>

#include "drivers/framework/mmio.h"
#include "drivers/net/virtio_net/virtio_net.h"

enum { CARDS = 2, SMALLEST_QUEUE = 64 };

static struct virtio_net cards[CARDS];

struct virtio_net *virtio_net_of(const struct nic_card *card) {
    return &cards[card->index];
}

static uint32_t config_read(const void *context, uint32_t offset, uint32_t width) {
    return nic_card_config(context, offset, width);
}

// Maps each BAR once.
static error_t structure_map(struct nic_card *card, uint32_t type, volatile void **bars, uint64_t *lengths,
                             volatile void **address) {
    const struct virtio_place *place = &virtio_net_of(card)->state->places.structures[type];
    if (place->bar >= NIC_REGIONS)
        return ERR_NOT_SUPPORTED;
    if (bars[place->bar] == NULL) {
        error_t error = nic_card_region(card, place->bar, &bars[place->bar], &lengths[place->bar]);
        if (error != ERR_OK)
            return error;
    }
    if ((uint64_t)place->offset + place->length > lengths[place->bar])
        return ERR_NOT_SUPPORTED;
    *address = (volatile char *)bars[place->bar] + place->offset;
    return ERR_OK;
}

static error_t attach(struct nic_card *card) {
    struct virtio_net *net = virtio_net_of(card);
    volatile void *bars[NIC_REGIONS] = {NULL};
    uint64_t lengths[NIC_REGIONS] = {0};
    net->state = (struct virtio_net_state *)(void *)card->state->driver;
    struct virtio_places *places = &net->state->places;
    error_t error = ERR_OK;
    if (places->structures[VIRTIO_COMMON].length == 0)
        error = virtio_find(config_read, card, places);
    if (error == ERR_OK)
        error = structure_map(card, VIRTIO_COMMON, bars, lengths, &net->virtio.common);
    if (error == ERR_OK)
        error = structure_map(card, VIRTIO_NOTIFY, bars, lengths, &net->virtio.notify);
    if (error == ERR_OK)
        error = structure_map(card, VIRTIO_ISR, bars, lengths, &net->virtio.isr);
    if (error == ERR_OK)
        error = structure_map(card, VIRTIO_DEVICE, bars, lengths, &net->virtio.device);
    net->virtio.notify_bytes = places->structures[VIRTIO_NOTIFY].length;
    net->virtio.notify_multiplier = places->notify_multiplier;
    net->virtio.device_bytes = places->structures[VIRTIO_DEVICE].length;
    __builtin_memcpy(card->model, "virtio network device", sizeof("virtio network device"));
    return error;
}

static void stop(struct nic_card *card) {
    error_t ignored = virtio_reset(&virtio_net_of(card)->virtio);
    (void)ignored; // reset finds it again
}

static void queues_open(struct nic_card *card) {
    struct virtio_net *net = virtio_net_of(card);
    char *dma = card->dma;
    bool events = (net->state->features & VIRTIO_F_EVENT_IDX) != 0;
    virtio_queue_open(&net->queues[VIRTIO_NET_RECEIVE], dma + VIRTIO_NET_RECEIVE_TABLE, dma + VIRTIO_NET_RECEIVE_RINGS,
                      dma + VIRTIO_NET_RECEIVE_RINGS + VIRTIO_NET_USED_OFFSET, net->state->sizes[VIRTIO_NET_RECEIVE], events);
    virtio_queue_open(&net->queues[VIRTIO_NET_SEND], dma + VIRTIO_NET_SEND_TABLE, dma + VIRTIO_NET_SEND_RINGS,
                      dma + VIRTIO_NET_SEND_RINGS + VIRTIO_NET_USED_OFFSET, net->state->sizes[VIRTIO_NET_SEND], events);
}

static error_t queue_sizes(struct virtio_net *net) {
    for (uint32_t i = 0; i < VIRTIO_NET_QUEUES; i++) {
        uint32_t size = virtio_queue_size(&net->virtio, i);
        if (size > VIRTIO_QUEUE_MOST)
            size = VIRTIO_QUEUE_MOST;
        if (size < SMALLEST_QUEUE || (size & (size - 1)) != 0)
            return ERR_NOT_SUPPORTED;
        net->state->sizes[i] = size;
    }
    return ERR_OK;
}

static void describe(struct nic_card *card) {
    const struct virtio_net *net = virtio_net_of(card);
    uint64_t features = net->state->features;
    card->features = NIC_FEATURE_PREFIX | (features & VIRTIO_NET_F_CSUM ? (uint32_t)NIC_FEATURE_CHECKSUM_SEND : 0) |
                     (features & VIRTIO_NET_F_HOST_TSO4 ? (uint32_t)(NIC_FEATURE_SEGMENT | NIC_FEATURE_SEGMENT_WHOLE) : 0) |
                     (features & VIRTIO_NET_F_STATUS ? (uint32_t)NIC_FEATURE_LINK : 0);
    card->full_duplex = 1;
    for (uint32_t i = 0; i < 6; i++) {
        if (features & VIRTIO_NET_F_MAC)
            card->address[i] = mmio_read8(net->virtio.device, VIRTIO_NET_CONFIG_MAC + i);
        else
            card->address[i] = (uint8_t)(i == 0 ? 2 : card->index + i); // one of our own, locally administered
    }
}

// 3.1.1 Driver requirements: device initialization; 5.1.5. Queues are set up before DRIVER_OK.
static error_t reset(struct nic_card *card) {
    struct virtio_net *net = virtio_net_of(card);
    const struct virtio *virtio = &net->virtio;
    uint64_t wanted = VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_F_ACCESS_PLATFORM |
                      VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS;
    error_t error = virtio_reset(virtio);
    if (error == ERR_OK)
        error = virtio_features(virtio, wanted, &net->state->features);
    bool merges = (net->state->features & VIRTIO_NET_F_MRG_RXBUF) != 0;
    if (error == ERR_OK && !merges && (net->state->features & VIRTIO_NET_F_GUEST_TSO4) != 0) { // large ones would not fit a room
        error = virtio_reset(virtio);
        if (error == ERR_OK)
            error = virtio_features(virtio, wanted & ~VIRTIO_NET_F_GUEST_TSO4, &net->state->features);
    }
    if (error == ERR_OK)
        error = queue_sizes(net);
    if (error != ERR_OK)
        return error;
    __builtin_memset(card->dma, 0, VIRTIO_NET_DMA_BYTES);
    queues_open(card);
    virtio_net_frames_reset(card);
    uint32_t vector = card->state->is_message ? 0 : VIRTIO_NO_VECTOR;
    mmio_write16(virtio->common, VIRTIO_MSIX_CONFIG, (uint16_t)vector);
    static const uint32_t tables[] = {VIRTIO_NET_RECEIVE_TABLE, VIRTIO_NET_SEND_TABLE};
    static const uint32_t rings[] = {VIRTIO_NET_RECEIVE_RINGS, VIRTIO_NET_SEND_RINGS};
    for (uint32_t i = 0; i < VIRTIO_NET_QUEUES && error == ERR_OK; i++) {
        uint64_t physical = card->state->dma_physical;
        error = virtio_queue_enable(virtio, i, net->state->sizes[i], physical + tables[i], physical + rings[i],
                                    physical + rings[i] + VIRTIO_NET_USED_OFFSET, vector, &net->notify[i]);
    }
    if (error != ERR_OK)
        return error;
    virtio_queue_interrupts(&net->queues[VIRTIO_NET_RECEIVE], true, 0);
    virtio_queue_interrupts(&net->queues[VIRTIO_NET_SEND], false, 0);
    virtio_begin(virtio);
    describe(card);
    return ERR_OK;
}

static void notify(struct virtio_net *net, uint32_t queue) {
    mmio_write16(net->virtio.notify, net->notify[queue], (uint16_t)queue);
}

static error_t resume(struct nic_card *card, uint32_t *receive_taken, uint32_t *send_taken) {
    struct virtio_net *net = virtio_net_of(card);
    if (!virtio_is_working(&net->virtio))
        return ERR_CORRUPT;
    for (uint32_t i = 0; i < VIRTIO_NET_QUEUES; i++) {
        uint32_t size = net->state->sizes[i];
        if (size < SMALLEST_QUEUE || size > VIRTIO_QUEUE_MOST || (size & (size - 1)) != 0 ||
            virtio_queue_notify_place(&net->virtio, i, &net->notify[i]) != ERR_OK)
            return ERR_CORRUPT;
    }
    queues_open(card);
    describe(card);
    error_t error = virtio_net_frames_resume(card, receive_taken, send_taken);
    if (error != ERR_OK)
        return error;
    notify(net, VIRTIO_NET_RECEIVE); // what was shown last may not have been told
    notify(net, VIRTIO_NET_SEND);
    return ERR_OK;
}

static void show(struct nic_card *card) {
    struct virtio_net *net = virtio_net_of(card);
    for (uint32_t i = 0; i < VIRTIO_NET_QUEUES; i++)
        if (virtio_queue_show(&net->queues[i]))
            notify(net, i);
}

static void watch(struct nic_card *card, uint32_t queue, bool on) {
    struct virtio_net *net = virtio_net_of(card);
    virtio_queue_interrupts(&net->queues[queue], on, net->state->seen[queue]);
}

static void send_interrupt(struct nic_card *card, bool on) {
    watch(card, VIRTIO_NET_SEND, on);
}

static void receive_interrupt(struct nic_card *card, bool on) {
    watch(card, VIRTIO_NET_RECEIVE, on);
}

// A message does not tell its cause: one vector serves all. Of a line the ISR register tells, and reading it takes the line back
// (4.1.4.5).
static uint32_t interrupt(struct nic_card *card) {
    if (card->state->is_message)
        return NIC_EVENT_ANY;
    uint8_t causes = mmio_read8(virtio_net_of(card)->virtio.isr, 0);
    return (causes & VIRTIO_ISR_QUEUE ? (uint32_t)NIC_EVENT_WORK : 0) |
           (causes & VIRTIO_ISR_CONFIG ? (uint32_t)NIC_EVENT_LINK : 0);
}

static bool link(struct nic_card *card) {
    const struct virtio_net *net = virtio_net_of(card);
    if ((net->state->features & VIRTIO_NET_F_STATUS) == 0)
        return true; // 5.1.4.2
    return (mmio_read16(net->virtio.device, VIRTIO_NET_CONFIG_STATUS) & VIRTIO_NET_STATUS_LINK_UP) != 0;
}

// Without the control queue the device lets all frames through (5.1.6.5.1).
static void set_filter(struct nic_card *card) {
    (void)card;
}

static void count(struct nic_card *card) {
    (void)card; // the device counts nothing
}

const struct nic_driver virtio_net_driver = {
    .name = "virtio",
    .dma_bytes = VIRTIO_NET_DMA_BYTES,
    .receive_depth = VIRTIO_QUEUE_MOST,
    .transmit_depth = VIRTIO_QUEUE_MOST / 2,
    .attach = attach,
    .reset = reset,
    .resume = resume,
    .stop = stop,
    .receive_add = virtio_net_receive_add,
    .receive_done = virtio_net_receive_done,
    .send_add = virtio_net_send_add,
    .send_done = virtio_net_send_done,
    .show = show,
    .send_interrupt = send_interrupt,
    .receive_interrupt = receive_interrupt,
    .interrupt = interrupt,
    .link = link,
    .set_filter = set_filter,
    .count = count,
};
