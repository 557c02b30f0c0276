// Virtio over PCI, by the names of "Virtual I/O Device (VIRTIO) Version 1.1": 4.1.4 structures, 2.1 status,
// 2.6 split virtqueues.
#pragma once

#include <stdint.h>

// 4.1.4: a vendor capability of configuration space.
enum {
    VIRTIO_CAPABILITY_ID = 0x09,
    VIRTIO_CAPABILITY_NEXT = 1, // offsets in it
    VIRTIO_CAPABILITY_TYPE = 3,
    VIRTIO_CAPABILITY_BAR = 4,
    VIRTIO_CAPABILITY_OFFSET = 8,
    VIRTIO_CAPABILITY_LENGTH = 12,
    VIRTIO_CAPABILITY_MULTIPLIER = 16, // of the notification structure
};

enum virtio_structure {
    VIRTIO_COMMON = 1,
    VIRTIO_NOTIFY = 2,
    VIRTIO_ISR = 3,
    VIRTIO_DEVICE = 4,
    VIRTIO_STRUCTURES = 5,
};

// 4.1.4.3 Common configuration structure.
enum virtio_common {
    VIRTIO_DEVICE_FEATURE_SELECT = 0x00,
    VIRTIO_DEVICE_FEATURE = 0x04,
    VIRTIO_DRIVER_FEATURE_SELECT = 0x08,
    VIRTIO_DRIVER_FEATURE = 0x0c,
    VIRTIO_MSIX_CONFIG = 0x10,
    VIRTIO_NUM_QUEUES = 0x12,
    VIRTIO_DEVICE_STATUS = 0x14,
    VIRTIO_QUEUE_SELECT = 0x16,
    VIRTIO_QUEUE_SIZE = 0x18,
    VIRTIO_QUEUE_MSIX_VECTOR = 0x1a,
    VIRTIO_QUEUE_ENABLE = 0x1c,
    VIRTIO_QUEUE_NOTIFY_OFF = 0x1e,
    VIRTIO_QUEUE_DESC = 0x20,
    VIRTIO_QUEUE_DRIVER = 0x28,
    VIRTIO_QUEUE_DEVICE = 0x30,
    VIRTIO_COMMON_BYTES = 0x38,
};

// 2.1 Device status field.
enum {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

enum { VIRTIO_ISR_QUEUE = 1, VIRTIO_ISR_CONFIG = 2, VIRTIO_NO_VECTOR = 0xffff };

#define VIRTIO_F_EVENT_IDX       (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1       (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)

// 2.6.5 The descriptor table.
struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

enum { VIRTIO_DESCRIPTOR_NEXT = 1, VIRTIO_DESCRIPTOR_WRITE = 2 };

// 2.6.6 The available ring; 2.6.8 the used ring. Behind the entries of each stands a number for VIRTIO_F_EVENT_IDX.
struct virtio_available {
    uint16_t flags, index;
    uint16_t ring[]; // and used_event
};

struct virtio_used_element {
    uint32_t id, length;
};

struct virtio_used {
    uint16_t flags, index;
    struct virtio_used_element ring[]; // and avail_event, of 16 bits
};

enum { VIRTIO_AVAILABLE_NO_INTERRUPT = 1, VIRTIO_USED_NO_NOTIFY = 1 };
