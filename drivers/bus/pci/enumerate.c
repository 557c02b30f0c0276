// The walk over buses. Buses wait in a set of 256 bits, so that bridges which name each other, themselves or
// one bus twice are each visited once at most.
#include "drivers/bus/pci/pci.h"

#include "drivers/bus/pci/registers.h"

enum { BUSES = 256, DEVICES_PER_BUS = 32, FUNCTIONS_PER_DEVICE = 8, NO_VENDOR = 0xffff, CAPABILITIES_MOST = 48 };

struct walk {
    const struct pci_access *access;
    struct pci_function *functions;
    uint32_t capacity, count, dropped, segment;
    uint64_t waiting[BUSES / 64], seen[BUSES / 64];
    uint8_t last_bus;
};

uint32_t pci_read(const struct pci_access *access, uint32_t location, uint32_t offset, uint32_t width) {
    return access->read(access->context, location, offset, width);
}

void pci_write(const struct pci_access *access, uint32_t location, uint32_t offset, uint32_t width, uint32_t value) {
    access->write(access->context, location, offset, width, value);
}

void pci_command_change(const struct pci_access *access, uint32_t location, uint16_t set, uint16_t clear) {
    uint32_t command = pci_read(access, location, PCI_COMMAND, 2);
    uint32_t changed = (command | set) & ~(uint32_t)clear & 0xffff;
    if (changed != command)
        pci_write(access, location, PCI_COMMAND, 2, changed);
}

uint8_t pci_capability_find(const struct pci_access *access, uint32_t location, uint8_t id) {
    if ((pci_read(access, location, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES) == 0)
        return 0;
    uint32_t at = pci_read(access, location, PCI_CAPABILITIES, 1) & 0xfc;
    for (uint32_t i = 0; i < CAPABILITIES_MOST && at >= 0x40; i++) {
        uint32_t head = pci_read(access, location, at, 2);
        if ((head & 0xff) == id)
            return (uint8_t)at;
        at = head >> 8 & 0xfc;
    }
    return 0;
}

static void bus_add(struct walk *walk, uint32_t bus) {
    if ((walk->seen[bus / 64] >> bus % 64 & 1) != 0 || bus > walk->last_bus)
        return;
    walk->seen[bus / 64] |= UINT64_C(1) << bus % 64;
    walk->waiting[bus / 64] |= UINT64_C(1) << bus % 64;
}

static bool bus_take(struct walk *walk, uint32_t *bus) {
    for (uint32_t word = 0; word < BUSES / 64; word++) {
        if (walk->waiting[word] == 0)
            continue;
        uint32_t bit = (uint32_t)__builtin_ctzll(walk->waiting[word]);
        walk->waiting[word] &= walk->waiting[word] - 1;
        *bus = word * 64 + bit;
        return true;
    }
    return false;
}

static void function_read(const struct pci_access *access, struct pci_function *function) {
    uint32_t location = function->location;
    function->vendor = (uint16_t)pci_read(access, location, PCI_VENDOR, 2);
    function->device = (uint16_t)pci_read(access, location, PCI_DEVICE, 2);
    uint32_t kind = pci_read(access, location, PCI_REVISION, 4);
    function->revision = (uint8_t)kind;
    function->interface = (uint8_t)(kind >> 8);
    function->subclass = (uint8_t)(kind >> 16);
    function->class = (uint8_t)(kind >> 24);
    function->header_type = pci_read(access, location, PCI_HEADER_TYPE, 1) & PCI_HEADER_MASK;
    if (function->header_type == PCI_HEADER_DEVICE) {
        function->subsystem_vendor = (uint16_t)pci_read(access, location, PCI_SUBSYSTEM_VENDOR, 2);
        function->subsystem = (uint16_t)pci_read(access, location, PCI_SUBSYSTEM, 2);
    }
    function->interrupt_line = (uint8_t)pci_read(access, location, PCI_INTERRUPT_LINE, 1);
    function->interrupt_pin = (uint8_t)pci_read(access, location, PCI_INTERRUPT_PIN, 1);
    function->msi = pci_capability_find(access, location, PCI_CAPABILITY_MSI);
    function->msix = pci_capability_find(access, location, PCI_CAPABILITY_MSIX);
}

// True if there is a function; a bridge's bus is put on the list.
static bool function_visit(struct walk *walk, uint32_t location, bool *multifunction) {
    uint32_t vendor = pci_read(walk->access, location, PCI_VENDOR, 2);
    if (vendor == NO_VENDOR || vendor == 0)
        return false;
    uint32_t header = pci_read(walk->access, location, PCI_HEADER_TYPE, 1);
    *multifunction = (header & PCI_HEADER_MULTIFUNCTION) != 0;
    if ((header & PCI_HEADER_MASK) == PCI_HEADER_BRIDGE)
        bus_add(walk, pci_read(walk->access, location, PCI_SECONDARY_BUS, 1) & 0xff);
    if (walk->count == walk->capacity) {
        walk->dropped++;
        return true;
    }
    struct pci_function *function = &walk->functions[walk->count++];
    *function = (struct pci_function){.location = location};
    function_read(walk->access, function);
    return true;
}

static void bus_visit(struct walk *walk, uint32_t bus) {
    for (uint32_t device = 0; device < DEVICES_PER_BUS; device++) {
        bool multifunction = false, ignored;
        if (!function_visit(walk, pci_location(walk->segment, bus, device, 0), &multifunction) || !multifunction)
            continue;
        for (uint32_t function = 1; function < FUNCTIONS_PER_DEVICE; function++)
            (void)function_visit(walk, pci_location(walk->segment, bus, device, function), &ignored);
    }
}

uint32_t pci_enumerate(const struct pci_access *access, uint32_t segment, uint8_t first_bus, uint8_t last_bus,
                       struct pci_function *functions, uint32_t capacity, uint32_t *dropped) {
    struct walk walk = {.access = access, .functions = functions, .capacity = capacity, .segment = segment, .last_bus = last_bus};
    bus_add(&walk, first_bus);
    for (uint32_t bus; bus_take(&walk, &bus);)
        bus_visit(&walk, bus);
    *dropped = walk.dropped;
    return walk.count;
}
