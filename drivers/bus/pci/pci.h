// PCI functions as they are found in configuration space: enumeration, BARs, capabilities. Pure logic over an
// access that the caller supplies, so that host tests run it on modelled and on hostile hardware. Whatever
// the hardware answers, every walk here ends and nothing outside the caller's arrays is written. Used by
// servers/devices.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

enum { PCI_BARS = 6 };

// Where a function is: segment << 16 | bus << 8 | device << 3 | function.
static inline uint32_t pci_location(uint32_t segment, uint32_t bus, uint32_t device, uint32_t function) {
    return segment << 16 | bus << 8 | device << 3 | function;
}

// How configuration space is reached. `width` is 1, 2 or 4 bytes, `offset` a multiple of it. A register that
// is not there reads as all ones.
struct pci_access {
    uint32_t (*read)(void *context, uint32_t location, uint32_t offset, uint32_t width);
    void (*write)(void *context, uint32_t location, uint32_t offset, uint32_t width, uint32_t value);
    void *context;
};

struct pci_bar {
    uint64_t address; // physical, or first port; 0: firmware gave it none
    uint64_t length;  // bytes or ports; 0: no such BAR
    bool ports, prefetchable;
};

struct pci_function {
    uint32_t location;
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint8_t class, subclass, interface, revision;
    uint8_t header_type;                   // without the multifunction bit
    uint8_t interrupt_line, interrupt_pin; // line as firmware wrote it; pin 0: none
    uint8_t msi, msix;                     // offsets of the capabilities; 0: none
    struct pci_bar bars[PCI_BARS];
};

uint32_t pci_read(const struct pci_access *access, uint32_t location, uint32_t offset, uint32_t width);
void pci_write(const struct pci_access *access, uint32_t location, uint32_t offset, uint32_t width, uint32_t value);

// Visits the functions of a segment that can be reached from `first_bus` through bridges, in bus order, at
// most `capacity` of them; BARs are not read yet. Returns how many there are in the array; *dropped counts
// the rest.
uint32_t pci_enumerate(const struct pci_access *access, uint32_t segment, uint8_t first_bus, uint8_t last_bus,
                       struct pci_function *functions, uint32_t capacity, uint32_t *dropped);

// Reads addresses and sizes of the BARs; the function does not decode them meanwhile.
void pci_bars_read(const struct pci_access *access, struct pci_function *function);

// The offset of a capability; 0: it has none.
uint8_t pci_capability_find(const struct pci_access *access, uint32_t location, uint8_t id);

// Sets and clears bits of the command register.
void pci_command_change(const struct pci_access *access, uint32_t location, uint16_t set, uint16_t clear);

// Sends interrupts as this message, by the MSI capability, and silences the pin. ERR_NOT_SUPPORTED: the
// function has no such capability, or can't hold the address.
MUST_USE error_t pci_message_enable(const struct pci_access *access, const struct pci_function *function, uint64_t address,
                                    uint32_t data);

// The same by MSI-X, for vector 0: `table` is the mapped vector table (pci_message_table says where it lies).
MUST_USE error_t pci_message_table(const struct pci_access *access, const struct pci_function *function, uint32_t *bar,
                                   uint32_t *offset, uint32_t *entries);
void pci_message_table_enable(const struct pci_access *access, const struct pci_function *function, volatile uint32_t *table,
                              uint32_t entries, uint64_t address, uint32_t data);

// No more messages; the pin may speak again.
void pci_message_disable(const struct pci_access *access, const struct pci_function *function);
