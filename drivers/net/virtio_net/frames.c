// Frames in and out of the device's queues. See virtio_net.h. The device may use chains in any order; they
// are completed in the client's.
#include <stddef.h>

#include "drivers/net/virtio_net/virtio_net.h"

enum { NOTHING_SHOWN = 0xffff }; // where the available ring's last entry was, before it went round once

static uint32_t rooms(const struct virtio_net *net) {
    return net->state->sizes[VIRTIO_NET_RECEIVE];
}

static uint32_t room_of(const struct virtio_net *net, uint32_t position) {
    return (position - net->state->receive_base) % rooms(net);
}

static uint32_t slot_of(const struct virtio_net *net, uint32_t number) {
    return number % net->state->sizes[VIRTIO_NET_SEND];
}

static uint64_t header_physical(const struct nic_card *card, uint32_t headers, uint32_t index) {
    return card->state->dma_physical + headers + (uint64_t)index * VIRTIO_NET_HEADER_STRIDE;
}

static struct virtio_net_header *header_at(const struct nic_card *card, uint32_t headers, uint32_t index) {
    return (struct virtio_net_header *)(void *)((char *)card->dma + headers + (size_t)index * VIRTIO_NET_HEADER_STRIDE);
}

void virtio_net_frames_reset(struct nic_card *card) {
    struct virtio_net *net = virtio_net_of(card);
    struct virtio_net_state *state = net->state;
    state->receive_base = card->state->received;
    state->seen[VIRTIO_NET_RECEIVE] = state->seen[VIRTIO_NET_SEND] = 0;
    state->send_clean = net->send_tail = 0;
    net->queues[VIRTIO_NET_SEND].available->ring[state->sizes[VIRTIO_NET_SEND] - 1] = NOTHING_SHOWN;
    __builtin_memset(state->received, 0, sizeof(state->received));
    __builtin_memset(state->send_done, 0, sizeof(state->send_done));
}

// Notes what the device has used. An element is noted before it counts as seen, so that it is noted twice
// rather than never.
static void take_received(struct virtio_net *net) {
    struct virtio_net_state *state = net->state;
    uint32_t id, length;
    while (virtio_queue_take(&net->queues[VIRTIO_NET_RECEIVE], state->seen[VIRTIO_NET_RECEIVE], &id, &length)) {
        if (id < rooms(net))
            state->received[id] = length + 1 == 0 ? length : length + 1;
        __atomic_store_n(&state->seen[VIRTIO_NET_RECEIVE], (uint16_t)(state->seen[VIRTIO_NET_RECEIVE] + 1), __ATOMIC_RELEASE);
    }
}

static void take_sent(struct virtio_net *net) {
    struct virtio_net_state *state = net->state;
    uint32_t id, length;
    while (virtio_queue_take(&net->queues[VIRTIO_NET_SEND], state->seen[VIRTIO_NET_SEND], &id, &length)) {
        if (id < state->sizes[VIRTIO_NET_SEND])
            state->send_done[id] = 1;
        __atomic_store_n(&state->seen[VIRTIO_NET_SEND], (uint16_t)(state->seen[VIRTIO_NET_SEND] + 1), __ATOMIC_RELEASE);
    }
}

bool virtio_net_receive_add(struct nic_card *card, uint32_t position, uint64_t physical, uint32_t length) {
    struct virtio_net *net = virtio_net_of(card);
    if (position - card->state->received >= rooms(net))
        return false;
    uint32_t index = room_of(net, position);
    volatile struct virtio_descriptor *room = &net->queues[VIRTIO_NET_RECEIVE].descriptors[index];
    room->address = physical;
    room->length = length;
    room->flags = VIRTIO_DESCRIPTOR_WRITE;
    net->state->received[index] = 0;
    virtio_queue_put(&net->queues[VIRTIO_NET_RECEIVE], index);
    return true;
}

// What the rooms hold is for the client to tell: the device's header lies in the first of a frame.
bool virtio_net_receive_done(struct nic_card *card, uint32_t position, struct nic_done *done) {
    struct virtio_net *net = virtio_net_of(card);
    uint32_t index = room_of(net, position);
    if (net->state->received[index] == 0)
        take_received(net);
    uint32_t bytes = net->state->received[index];
    if (bytes == 0)
        return false;
    bytes -= 1;
    *done = bytes == 0 || bytes > NIC_PAGE_BYTES ? (struct nic_done){.flags = NIC_DONE_FLAG_ERROR}
                                                 : (struct nic_done){.length = bytes};
    return true;
}

bool virtio_net_send_add(struct nic_card *card, const struct nic_send *send) {
    struct virtio_net *net = virtio_net_of(card);
    struct virtio_net_state *state = net->state;
    struct virtio_queue *queue = &net->queues[VIRTIO_NET_SEND];
    uint32_t used = net->send_tail - state->send_clean;
    if (used + send->count + 1 > queue->size)
        return false;
    uint32_t head = slot_of(net, net->send_tail);
    struct virtio_net_header header = {0};
    if (send->checksum_start != 0) {
        header.flags = VIRTIO_NET_NEEDS_CHECKSUM;
        header.checksum_start = send->checksum_start;
        header.checksum_offset = send->checksum_offset;
    }
    if (send->segment_size != 0) {
        header.gso_type = VIRTIO_NET_TCP_V4;
        header.header_length = send->header_length;
        header.gso_size = send->segment_size;
    }
    *header_at(card, VIRTIO_NET_SEND_HEADERS, head) = header;
    for (uint32_t i = 0; i <= send->count; i++) {
        volatile struct virtio_descriptor *descriptor = &queue->descriptors[slot_of(net, net->send_tail + i)];
        descriptor->address = i == 0 ? header_physical(card, VIRTIO_NET_SEND_HEADERS, head) : send->pieces[i - 1].physical;
        descriptor->length = i == 0 ? VIRTIO_NET_HEADER_BYTES : send->pieces[i - 1].length;
        descriptor->flags = i < send->count ? VIRTIO_DESCRIPTOR_NEXT : 0;
        descriptor->next = (uint16_t)slot_of(net, net->send_tail + i + 1);
    }
    state->send_ends[head] = send->end;
    state->send_counts[head] = (uint8_t)(send->count + 1);
    state->send_done[head] = 0;
    net->send_tail += send->count + 1;
    virtio_queue_put(queue, head);
    return true;
}

uint32_t virtio_net_send_done(struct nic_card *card) {
    struct virtio_net *net = virtio_net_of(card);
    struct virtio_net_state *state = net->state;
    uint32_t done = card->state->sent;
    take_sent(net);
    for (uint32_t number = state->send_clean; number != net->send_tail;) {
        uint32_t head = slot_of(net, number);
        if (!state->send_done[head])
            break;
        number += state->send_counts[head];
        // Free for other frames only when state memory says that this one is completed.
        if ((int32_t)(state->send_ends[head] - card->state->sent) <= 0)
            state->send_clean = number;
        else
            done = state->send_ends[head];
    }
    return done;
}

// Where the descriptors of the frames that the device was shown end.
static error_t find_tail(struct nic_card *card, uint32_t *taken) {
    struct virtio_net *net = virtio_net_of(card);
    struct virtio_net_state *state = net->state;
    struct virtio_queue *queue = &net->queues[VIRTIO_NET_SEND];
    uint32_t last = queue->available->ring[(uint16_t)(queue->ahead - 1) % queue->size];
    net->send_tail = state->send_clean;
    *taken = card->state->sent;
    if (last == NOTHING_SHOWN)
        return ERR_OK;
    if (last >= queue->size)
        return ERR_CORRUPT;
    bool completed = (int32_t)(state->send_ends[last] - card->state->sent) <= 0;
    for (uint32_t walked = 0; walked < queue->size;) {
        uint32_t head = slot_of(net, net->send_tail);
        if (completed && head == slot_of(net, last + state->send_counts[last]))
            break; // all of them were; what lies before may not be counted as clean yet
        uint32_t count = state->send_counts[head];
        if (count == 0)
            return ERR_CORRUPT;
        net->send_tail += count;
        walked += count;
        if (!completed && head == last) {
            *taken = state->send_ends[last];
            break;
        }
    }
    return *taken - card->state->sent <= card->state->entries ? ERR_OK : ERR_CORRUPT;
}

error_t virtio_net_frames_resume(struct nic_card *card, uint32_t *receive_taken, uint32_t *send_taken) {
    struct virtio_net *net = virtio_net_of(card);
    uint16_t shown = net->queues[VIRTIO_NET_RECEIVE].ahead;
    uint16_t completed = (uint16_t)(card->state->received - net->state->receive_base);
    uint32_t held = (uint16_t)(shown - completed);
    if (held > rooms(net))
        return ERR_CORRUPT;
    *receive_taken = card->state->received + held;
    return find_tail(card, send_taken);
}
