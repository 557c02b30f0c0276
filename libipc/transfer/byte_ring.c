// See byte_ring.h.
#include "libipc/transfer/byte_ring.h"

static uint32_t units_of(uint32_t length) {
    return (length + BYTE_RING_UNIT - 1) / BYTE_RING_UNIT;
}

bool byte_ring_write(struct ring *ring, const void *record, uint32_t length, bool *wanted) {
    *wanted = false;
    if (length > BYTE_RING_RECORD_MAX || ring_room(ring) < 1 + units_of(length)) {
        ring_drop(ring);
        return false;
    }
    uint64_t unit = length;
    error_t error = ring_push(ring, &unit);
    for (uint32_t offset = 0; offset < length && error == ERR_OK; offset += BYTE_RING_UNIT) {
        uint32_t part = length - offset < BYTE_RING_UNIT ? length - offset : BYTE_RING_UNIT;
        unit = 0;
        __builtin_memcpy(&unit, (const char *)record + offset, part);
        error = ring_push(ring, &unit);
    }
    *wanted = ring_publish(ring);
    return error == ERR_OK;
}

error_t byte_ring_read(struct ring *ring, void *record, uint32_t size, uint32_t *length) {
    uint64_t unit;
    error_t error = ring_pop(ring, &unit);
    if (error != ERR_OK)
        return error;
    if (unit > BYTE_RING_RECORD_MAX || ring_filled(ring) < units_of((uint32_t)unit)) {
        ring->broken = true;
        return ERR_CORRUPT;
    }
    *length = (uint32_t)unit;
    for (uint32_t offset = 0; offset < *length; offset += BYTE_RING_UNIT) {
        error = ring_pop(ring, &unit);
        if (error != ERR_OK)
            return error;
        uint32_t part = *length - offset < BYTE_RING_UNIT ? *length - offset : BYTE_RING_UNIT;
        if (*length <= size)
            __builtin_memcpy((char *)record + offset, &unit, part);
    }
    return *length <= size ? ERR_OK : ERR_TOO_BIG;
}
