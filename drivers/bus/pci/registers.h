// Registers of PCI configuration space: offsets and bits. PCI Local Bus Specification 3.0, chapter 6;
// PCI-to-PCI Bridge Architecture 1.2, chapter 3; capabilities: appendix H of the former and 6.8
// (message-signalled interrupts).
#pragma once

enum {
    PCI_VENDOR = 0x00, // 16 bits; all ones: nothing there
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08, // then interface, subclass and class, a byte each
    PCI_INTERFACE = 0x09,
    PCI_SUBCLASS = 0x0a,
    PCI_CLASS = 0x0b,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR_FIRST = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
    PCI_SECONDARY_BUS = 0x19, // bridges
    PCI_CONFIG_BYTES = 256,
    PCI_EXTENDED_CONFIG_BYTES = 4096,
};

enum {
    PCI_COMMAND_PORTS = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_NO_LINE = 1 << 10, // the interrupt pin stays silent

    PCI_STATUS_CAPABILITIES = 1 << 4,

    PCI_HEADER_MULTIFUNCTION = 0x80,
    PCI_HEADER_MASK = 0x7f,
    PCI_HEADER_DEVICE = 0,
    PCI_HEADER_BRIDGE = 1,
};

enum {
    PCI_BAR_PORTS = 1 << 0,
    PCI_BAR_TYPE_MASK = 3 << 1,
    PCI_BAR_64_BITS = 2 << 1,
    PCI_BAR_PREFETCHABLE = 1 << 3,
};

enum {
    PCI_CAPABILITY_MSI = 0x05,
    PCI_CAPABILITY_MSIX = 0x11,

    // Offsets from the capability.
    PCI_MSI_CONTROL = 2,
    PCI_MSI_ADDRESS = 4,
    PCI_MSI_ENABLE = 1 << 0,
    PCI_MSI_MULTIPLE_MASK = 7 << 4, // vectors enabled, as a power of two
    PCI_MSI_64_BITS = 1 << 7,
    PCI_MSI_MASKABLE = 1 << 8,

    PCI_MSIX_CONTROL = 2,
    PCI_MSIX_TABLE = 4, // low three bits: which BAR
    PCI_MSIX_MASK_ALL = 1 << 14,
    PCI_MSIX_ENABLE = 1 << 15,
    PCI_MSIX_SIZE_MASK = 0x7ff, // entries - 1
    PCI_MSIX_ENTRY_BYTES = 16,  // address low and high, data, control (bit 0: masked)
};

enum { PCI_CLASS_STORAGE = 0x01, PCI_SUBCLASS_IDE = 0x01 };
