// The 82540EM as far as its driver uses it, written from the manual's chapters 3 and 13 and not from the
// driver.
#include <assert.h>
#include <string.h>

#include "drivers/net/e1000/e1000.h"
#include "tests/host/network_card/model.h"

static uint32_t registers[MODEL_BAR_BYTES / 4];

static uint64_t context; // of the last context descriptor: TUCSS and TUCSO are in the upper half

static uint32_t *at(uint32_t offset) {
    return &registers[offset / 4];
}

static uint32_t read(uint32_t offset, uint32_t width) {
    assert(width == 4 && offset % 4 == 0);
    uint32_t value = *at(offset);
    if (offset == E1000_ICR)
        *at(offset) = 0;
    return value;
}

static void write(uint32_t offset, uint32_t width, uint32_t value) {
    assert(width == 4 && offset % 4 == 0);
    if (offset == E1000_CTRL && (value & E1000_CTRL_RST)) {
        memset(registers, 0, sizeof(registers));
        context = 0;
        *at(E1000_STATUS) = E1000_STATUS_LU | E1000_STATUS_FD | 2 << E1000_STATUS_SPEED_SHIFT;
        *at(E1000_RAL) = 0x12005452;
        *at(E1000_RAH) = 0x5634 | E1000_RAH_AV;
        return;
    }
    if (offset == E1000_IMC) {
        *at(E1000_IMS) &= ~value;
        return;
    }
    if (offset == E1000_IMS)
        value |= *at(E1000_IMS);
    if (offset == E1000_RDT)
        assert(value < *at(E1000_RDLEN) / 16 || value == 0);
    *at(offset) = value;
}

static uint32_t config(uint32_t offset, uint32_t width) {
    return offset == 2 && width == 2 ? 0x100e : UINT32_MAX;
}

static void *own(const struct nic_card *card, size_t *bytes) {
    *bytes = sizeof(struct e1000);
    return e1000_of(card);
}

static uint64_t ring_base(uint32_t low) {
    return *at(low) | (uint64_t)*at(low + 4) << 32;
}

static bool receive(const unsigned char *frame, uint32_t length) {
    uint32_t head = *at(E1000_RDH), count = *at(E1000_RDLEN) / 16;
    if (!(*at(E1000_RCTL) & E1000_RCTL_EN) || head == *at(E1000_RDT))
        return false;
    struct e1000_receive_descriptor *descriptor = model_memory(ring_base(E1000_RDBAL) + (uint64_t)head * 16, 16);
    memcpy(model_memory(descriptor->address, 2048), frame, length);
    descriptor->length = (uint16_t)length;
    descriptor->errors = 0;
    descriptor->status = E1000_RXD_DD | E1000_RXD_EOP | E1000_RXD_IXSM;
    *at(E1000_RDH) = (head + 1) % count;
    *at(E1000_ICR) |= E1000_ICR_RXT0;
    return true;
}

static bool interrupts(void) {
    return (*at(E1000_ICR) & *at(E1000_IMS)) != 0;
}

// 3.5: from TUCSS to the end, stored at TUCSO.
static void sum_fill(unsigned char *frame, uint32_t length) {
    uint32_t start = context >> 32 & 255, place = context >> 40 & 255, sum = 0;
    assert(start < place && place + 2 <= length);
    for (uint32_t i = start; i < length; i++)
        sum += (i - start) % 2 ? frame[i] : (uint32_t)frame[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[place] = (unsigned char)(~sum >> 8);
    frame[place + 1] = (unsigned char)~sum;
}

// One frame: its descriptors from the head on.
static void step(void) {
    unsigned char frame[MODEL_FRAME_MOST];
    uint32_t length = 0, count = *at(E1000_TDLEN) / 16, head = *at(E1000_TDH);
    if (!(*at(E1000_TCTL) & E1000_TCTL_EN))
        return;
    while (head != *at(E1000_TDT)) {
        struct e1000_send_descriptor *descriptor = model_memory(ring_base(E1000_TDBAL) + (uint64_t)head * 16, 16);
        head = (head + 1) % count;
        assert(descriptor->command & E1000_TXD_DEXT);
        if ((descriptor->command >> 20 & 15) == 0)
            context = descriptor->address;
        bool is_data = (descriptor->command >> 20 & 15) == 1, ends = is_data && (descriptor->command & E1000_TXD_EOP);
        if (is_data) {
            uint32_t bytes = descriptor->command & 0xfffff;
            assert(length + bytes <= sizeof(frame) && !(descriptor->upper & E1000_TXD_DD));
            memcpy(frame + length, model_memory(descriptor->address, bytes), bytes);
            length += bytes;
            if (ends && (descriptor->upper & E1000_TXD_TXSM))
                sum_fill(frame, length);
        }
        if (descriptor->command & E1000_TXD_RS)
            descriptor->upper |= E1000_TXD_DD;
        *at(E1000_TDH) = head;
        if (ends) {
            cable_take(frame, length);
            return;
        }
    }
    assert(length == 0); // the tail was shown within a frame
}

struct model e1000_model = {&e1000_driver, read, write, config, step, receive, interrupts, own};
