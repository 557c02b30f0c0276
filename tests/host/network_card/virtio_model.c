// A virtio network device as far as its driver uses it, written from the specification. It takes chains in
// order and gives them back in any.
#include <assert.h>
#include <string.h>

#include "drivers/net/virtio_net/virtio_net.h"
#include "tests/host/network_card/model.h"

enum { SIZE = 256, COMMON = 0, ISR = 0x1000, DEVICE = 0x2000, NOTIFY = 0x3000, BAR = 4, HELD = 8 };

struct queue {
    uint64_t descriptors, available, used;
    uint32_t size;
    uint16_t taken, given;
    bool enabled, interrupts;              // was given something back while the driver wanted to be told
    struct virtio_used_element held[HELD]; // used, and not yet given back
    uint32_t held_count;
};

static struct queue queues[2];
static uint32_t selected, feature_word;
static uint64_t driver_features;
static uint8_t status;

static uint32_t config(uint32_t offset, uint32_t width) {
    static unsigned char space[256];
    static const uint32_t places[][3] = {{VIRTIO_COMMON, COMMON, VIRTIO_COMMON_BYTES},
                                         {VIRTIO_ISR, ISR, 1},
                                         {VIRTIO_DEVICE, DEVICE, 12},
                                         {VIRTIO_NOTIFY, NOTIFY, 16}};
    space[0x34] = 0x40;
    for (uint32_t i = 0; i < 4; i++) {
        unsigned char *capability = space + 0x40 + (size_t)i * 0x20;
        uint32_t multiplier = 4;
        capability[0] = VIRTIO_CAPABILITY_ID;
        capability[1] = (unsigned char)(i == 3 ? 0 : 0x60 + i * 0x20);
        capability[3] = (unsigned char)places[i][0];
        capability[4] = BAR;
        memcpy(capability + 8, &places[i][1], 4);
        memcpy(capability + 12, &places[i][2], 4);
        memcpy(capability + 16, &multiplier, 4);
    }
    uint32_t value = 0;
    memcpy(&value, space + offset, width);
    return value;
}

static uint32_t read(uint32_t offset, uint32_t width) {
    static const unsigned char device[12] = {0x52, 0x54, 0, 0x12, 0x34, 0x56, VIRTIO_NET_STATUS_LINK_UP};
    uint64_t offered = VIRTIO_F_VERSION_1 | (chance(2) == 0 ? VIRTIO_F_EVENT_IDX : 0) | VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS;
    uint32_t value = 0;
    if (offset >= DEVICE && offset + width <= DEVICE + sizeof(device)) {
        memcpy(&value, &device[offset - DEVICE], width);
        return value;
    }
    switch (offset) {
    case VIRTIO_DEVICE_FEATURE:
        return (uint32_t)(offered >> 32 * feature_word);
    case VIRTIO_NUM_QUEUES:
        return 2;
    case VIRTIO_DEVICE_STATUS:
        return status;
    case VIRTIO_QUEUE_SIZE:
        return queues[selected].size;
    case VIRTIO_QUEUE_NOTIFY_OFF:
        return selected;
    case VIRTIO_QUEUE_MSIX_VECTOR:
        return 0;
    default:
        assert(!"a register that is not there");
        return 0;
    }
}

static void half_set(uint64_t *value, uint32_t offset, uint32_t half) {
    uint32_t shift = offset % 8 * 8;
    *value = (*value & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)half << shift;
}

static void write(uint32_t offset, uint32_t width, uint32_t value) {
    struct queue *queue = &queues[selected & 1];
    (void)width;
    if (offset == VIRTIO_DEVICE_STATUS) {
        status = (uint8_t)value;
        if (value == 0) {
            memset(queues, 0, sizeof(queues));
            queues[0].size = queues[1].size = SIZE;
        }
    } else if (offset == VIRTIO_DEVICE_FEATURE_SELECT || offset == VIRTIO_DRIVER_FEATURE_SELECT) {
        feature_word = value;
    } else if (offset == VIRTIO_DRIVER_FEATURE) {
        half_set(&driver_features, feature_word * 4, value);
    } else if (offset == VIRTIO_QUEUE_SELECT) {
        selected = value;
    } else if (offset == VIRTIO_QUEUE_SIZE) {
        queue->size = value;
    } else if (offset >= VIRTIO_QUEUE_DESC && offset < VIRTIO_QUEUE_DESC + 8) {
        half_set(&queue->descriptors, offset, value);
    } else if (offset >= VIRTIO_QUEUE_DRIVER && offset < VIRTIO_QUEUE_DRIVER + 8) {
        half_set(&queue->available, offset, value);
    } else if (offset >= VIRTIO_QUEUE_DEVICE && offset < VIRTIO_QUEUE_DEVICE + 8) {
        half_set(&queue->used, offset, value);
    } else if (offset == VIRTIO_QUEUE_ENABLE) {
        queue->enabled = true;
    }
}

static void *own(const struct nic_card *card, size_t *bytes) {
    *bytes = sizeof(struct virtio_net);
    return virtio_net_of(card);
}

static struct virtio_descriptor *descriptor(const struct queue *queue, uint32_t index) {
    assert(index < queue->size);
    return model_memory(queue->descriptors + (uint64_t)index * 16, 16);
}

// The next chain that the driver offered; false: none.
static bool chain_take(struct queue *queue, uint32_t *head) {
    if (!(status & VIRTIO_STATUS_DRIVER_OK) || !queue->enabled || queue->held_count == HELD)
        return false;
    struct virtio_available *available = model_memory(queue->available, 6 + 2 * (uint64_t)queue->size);
    if (available->index == queue->taken)
        return false;
    *head = available->ring[queue->taken++ % queue->size];
    return true;
}

static void chain_hold(struct queue *queue, uint32_t head, uint32_t length) {
    queue->held[queue->held_count++] = (struct virtio_used_element){head, length};
}

static void chain_give(struct queue *queue) {
    struct virtio_used *used = model_memory(queue->used, 6 + 8 * (uint64_t)queue->size);
    if (queue->held_count == 0)
        return;
    uint32_t which = chance(queue->held_count);
    used->ring[queue->given++ % queue->size] = queue->held[which];
    queue->held[which] = queue->held[--queue->held_count];
    used->index = queue->given;
    const struct virtio_available *available = model_memory(queue->available, 6 + 2 * (uint64_t)queue->size);
    bool wanted = driver_features & VIRTIO_F_EVENT_IDX ? available->ring[queue->size] == (uint16_t)(queue->given - 1)
                                                       : (available->flags & VIRTIO_AVAILABLE_NO_INTERRUPT) == 0;
    queue->interrupts = queue->interrupts || wanted;
}

// A message: it is gone when it was seen.
static bool interrupts(void) {
    bool told = queues[0].interrupts || queues[1].interrupts;
    queues[0].interrupts = queues[1].interrupts = false;
    return told;
}

static bool receive(const unsigned char *frame, uint32_t length) {
    struct queue *queue = &queues[0];
    uint32_t head;
    if (!chain_take(queue, &head))
        return false;
    static const unsigned char header[12] = {[10] = 1}; // num_buffers
    const struct virtio_descriptor *room = descriptor(queue, head);
    assert(room->flags == VIRTIO_DESCRIPTOR_WRITE && room->length >= 12 + length);
    unsigned char *memory = model_memory(room->address, 12 + (uint64_t)length);
    memcpy(memory, header, 12);
    memcpy(memory + 12, frame, length);
    chain_hold(queue, head, 12 + length);
    return true;
}

static void send_one(void) {
    struct queue *queue = &queues[1];
    unsigned char frame[MODEL_FRAME_MOST];
    uint32_t head, length = 0, steps = 0;
    if (!chain_take(queue, &head))
        return;
    const struct virtio_descriptor *part = descriptor(queue, head);
    assert(part->length == 12 && part->flags == VIRTIO_DESCRIPTOR_NEXT);
    do {
        part = descriptor(queue, part->next);
        assert(!(part->flags & VIRTIO_DESCRIPTOR_WRITE) && length + part->length <= sizeof(frame) && ++steps <= queue->size);
        memcpy(frame + length, model_memory(part->address, part->length), part->length);
        length += part->length;
    } while (part->flags & VIRTIO_DESCRIPTOR_NEXT);
    cable_take(frame, length);
    chain_hold(queue, head, 0);
}

static void step(void) {
    send_one();
    if (chance(3) == 0 || queues[0].held_count == HELD)
        chain_give(&queues[0]);
    if (chance(3) == 0 || queues[1].held_count == HELD)
        chain_give(&queues[1]);
}

struct model virtio_model = {&virtio_net_driver, read, write, config, step, receive, interrupts, own};
