// See virtio.h.
#include "drivers/bus/virtio/virtio.h"

#include "drivers/framework/mmio.h"

enum {
    CAPABILITIES_POINTER = 0x34,
    CAPABILITIES_MOST = 48,
    STATUS_READS_MOST = 1000000,
    BAR_MOST = 5,
};

static uint32_t least_bytes(uint32_t type) {
    return type == VIRTIO_COMMON ? VIRTIO_COMMON_BYTES : type == VIRTIO_NOTIFY ? 2 : 1;
}

error_t virtio_find(uint32_t (*read)(const void *context, uint32_t offset, uint32_t width), const void *context,
                    struct virtio_places *places) {
    *places = (struct virtio_places){0};
    uint32_t at = read(context, CAPABILITIES_POINTER, 1) & 0xfc;
    for (uint32_t i = 0; i < CAPABILITIES_MOST && at >= 0x40; i++) {
        uint32_t type = read(context, at + VIRTIO_CAPABILITY_TYPE, 1);
        struct virtio_place place = {.bar = read(context, at + VIRTIO_CAPABILITY_BAR, 1),
                                     .offset = read(context, at + VIRTIO_CAPABILITY_OFFSET, 4),
                                     .length = read(context, at + VIRTIO_CAPABILITY_LENGTH, 4)};
        if (read(context, at, 1) == VIRTIO_CAPABILITY_ID && type >= VIRTIO_COMMON && type < VIRTIO_STRUCTURES &&
            places->structures[type].length == 0 && place.bar <= BAR_MOST && place.length >= least_bytes(type) &&
            place.offset <= UINT32_MAX - place.length) {
            places->structures[type] = place;
            if (type == VIRTIO_NOTIFY)
                places->notify_multiplier = read(context, at + VIRTIO_CAPABILITY_MULTIPLIER, 4);
        }
        at = read(context, at + VIRTIO_CAPABILITY_NEXT, 1) & 0xfc;
    }
    for (uint32_t type = VIRTIO_COMMON; type < VIRTIO_STRUCTURES; type++)
        if (places->structures[type].length == 0)
            return ERR_NOT_SUPPORTED;
    return ERR_OK;
}

static void status_add(const struct virtio *virtio, uint8_t bits) {
    mmio_write8(virtio->common, VIRTIO_DEVICE_STATUS, (uint8_t)(mmio_read8(virtio->common, VIRTIO_DEVICE_STATUS) | bits));
}

error_t virtio_reset(const struct virtio *virtio) {
    mmio_write8(virtio->common, VIRTIO_DEVICE_STATUS, 0);
    for (uint32_t i = 0; i < STATUS_READS_MOST; i++) // 4.1.4.3.2
        if (mmio_read8(virtio->common, VIRTIO_DEVICE_STATUS) == 0)
            return ERR_OK;
    return ERR_IO;
}

error_t virtio_features(const struct virtio *virtio, uint64_t wanted, uint64_t *taken) {
    uint64_t offered = 0;
    status_add(virtio, VIRTIO_STATUS_ACKNOWLEDGE);
    status_add(virtio, VIRTIO_STATUS_DRIVER);
    for (uint32_t i = 0; i < 2; i++) {
        mmio_write32(virtio->common, VIRTIO_DEVICE_FEATURE_SELECT, i);
        offered |= (uint64_t)mmio_read32(virtio->common, VIRTIO_DEVICE_FEATURE) << 32 * i;
    }
    *taken = offered & (wanted | VIRTIO_F_VERSION_1);
    if ((*taken & VIRTIO_F_VERSION_1) == 0)
        return ERR_NOT_SUPPORTED;
    for (uint32_t i = 0; i < 2; i++) {
        mmio_write32(virtio->common, VIRTIO_DRIVER_FEATURE_SELECT, i);
        mmio_write32(virtio->common, VIRTIO_DRIVER_FEATURE, (uint32_t)(*taken >> 32 * i));
    }
    status_add(virtio, VIRTIO_STATUS_FEATURES_OK);
    bool accepted = (mmio_read8(virtio->common, VIRTIO_DEVICE_STATUS) & VIRTIO_STATUS_FEATURES_OK) != 0; // 3.1.1, step 6
    return accepted ? ERR_OK : ERR_NOT_SUPPORTED;
}

uint32_t virtio_queue_size(const struct virtio *virtio, uint32_t index) {
    if (index >= mmio_read16(virtio->common, VIRTIO_NUM_QUEUES))
        return 0;
    mmio_write16(virtio->common, VIRTIO_QUEUE_SELECT, (uint16_t)index);
    return mmio_read16(virtio->common, VIRTIO_QUEUE_SIZE);
}

static void write64(const struct virtio *virtio, uint32_t offset, uint64_t value) {
    mmio_write32(virtio->common, offset, (uint32_t)value);
    mmio_write32(virtio->common, offset + 4, (uint32_t)(value >> 32));
}

error_t virtio_queue_notify_place(const struct virtio *virtio, uint32_t index, uint32_t *notify) {
    mmio_write16(virtio->common, VIRTIO_QUEUE_SELECT, (uint16_t)index);
    uint64_t place = (uint64_t)mmio_read16(virtio->common, VIRTIO_QUEUE_NOTIFY_OFF) * virtio->notify_multiplier; // 4.1.4.4
    *notify = (uint32_t)place;
    return place % 2 == 0 && place + 2 <= virtio->notify_bytes ? ERR_OK : ERR_IO;
}

error_t virtio_queue_enable(const struct virtio *virtio, uint32_t index, uint32_t size, uint64_t descriptors, uint64_t available,
                            uint64_t used, uint32_t vector, uint32_t *notify) {
    error_t error = virtio_queue_notify_place(virtio, index, notify);
    if (error != ERR_OK)
        return error;
    mmio_write16(virtio->common, VIRTIO_QUEUE_SIZE, (uint16_t)size);
    write64(virtio, VIRTIO_QUEUE_DESC, descriptors);
    write64(virtio, VIRTIO_QUEUE_DRIVER, available);
    write64(virtio, VIRTIO_QUEUE_DEVICE, used);
    mmio_write16(virtio->common, VIRTIO_QUEUE_MSIX_VECTOR, (uint16_t)vector);
    if (vector != VIRTIO_NO_VECTOR && mmio_read16(virtio->common, VIRTIO_QUEUE_MSIX_VECTOR) != vector)
        return ERR_IO; // 4.1.5.1.2
    mmio_write16(virtio->common, VIRTIO_QUEUE_ENABLE, 1);
    return ERR_OK;
}

void virtio_begin(const struct virtio *virtio) {
    status_add(virtio, VIRTIO_STATUS_DRIVER_OK);
}

bool virtio_is_working(const struct virtio *virtio) {
    uint8_t status = mmio_read8(virtio->common, VIRTIO_DEVICE_STATUS);
    return (status & VIRTIO_STATUS_DRIVER_OK) != 0 && (status & (VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED)) == 0;
}
