// Sizes of BARs, found as 6.2.5.1 of the specification says: write ones, see which bits stick. The size is
// the lowest address bit that can be changed, so that even a register with holes gives a power of two.
#include "drivers/bus/pci/pci.h"

#include "drivers/bus/pci/registers.h"

static uint32_t register_probe(const struct pci_access *access, uint32_t location, uint32_t offset, uint32_t *mask) {
    uint32_t original = pci_read(access, location, offset, 4);
    pci_write(access, location, offset, 4, 0xffffffff);
    *mask = pci_read(access, location, offset, 4);
    pci_write(access, location, offset, 4, original);
    return original;
}

static uint64_t lowest_bit(uint64_t value) {
    return value & (~value + 1);
}

// Fills one BAR; returns how many registers it takes.
static uint32_t bar_read(const struct pci_access *access, struct pci_function *function, uint32_t index, uint32_t count) {
    struct pci_bar *bar = &function->bars[index];
    uint32_t offset = PCI_BAR_FIRST + index * 4, mask;
    uint32_t low = register_probe(access, function->location, offset, &mask);
    if (mask == 0 || mask == 0xffffffff)
        return 1; // not there; all ones: the function is gone
    if ((mask & PCI_BAR_PORTS) != 0) {
        bar->ports = true;
        bar->address = low & 0xfffc;
        bar->length = lowest_bit(mask & 0xfffc);
        return 1;
    }
    uint64_t wide = mask & ~UINT32_C(15), address = low & ~UINT32_C(15);
    bar->prefetchable = (low & PCI_BAR_PREFETCHABLE) != 0;
    uint32_t taken = 1;
    if ((mask & PCI_BAR_TYPE_MASK) == PCI_BAR_64_BITS && index + 1 < count) {
        uint32_t high_mask;
        address |= (uint64_t)register_probe(access, function->location, offset + 4, &high_mask) << 32;
        wide |= (uint64_t)high_mask << 32;
        taken = 2;
    }
    uint64_t length = lowest_bit(wide);
    if (address > UINT64_MAX - length) // wraps around: nothing that could be mapped
        return taken;
    bar->address = address;
    bar->length = length;
    return taken;
}

void pci_bars_read(const struct pci_access *access, struct pci_function *function) {
    uint32_t count = function->header_type == PCI_HEADER_DEVICE ? PCI_BARS : function->header_type == PCI_HEADER_BRIDGE ? 2 : 0;
    if (count == 0)
        return;
    uint32_t command = pci_read(access, function->location, PCI_COMMAND, 2);
    pci_command_change(access, function->location, 0, PCI_COMMAND_PORTS | PCI_COMMAND_MEMORY);
    for (uint32_t index = 0; index < count;)
        index += bar_read(access, function, index, count);
    if ((command & (PCI_COMMAND_PORTS | PCI_COMMAND_MEMORY)) != 0)
        pci_write(access, function->location, PCI_COMMAND, 2, command);
}
