// Message-signalled interrupts: MSI with one vector, and vector 0 of MSI-X (PCI 3.0, 6.8).
#include "drivers/bus/pci/pci.h"

#include "drivers/bus/pci/registers.h"

error_t pci_message_enable(const struct pci_access *access, const struct pci_function *function, uint64_t address,
                           uint32_t data) {
    uint32_t location = function->location, at = function->msi;
    if (at == 0)
        return ERR_NOT_SUPPORTED;
    uint32_t control = pci_read(access, location, at + PCI_MSI_CONTROL, 2);
    bool wide = (control & PCI_MSI_64_BITS) != 0;
    uint32_t last = at + (wide ? 12u : 8u) + 2 + ((control & PCI_MSI_MASKABLE) != 0 ? 8u : 0u);
    if ((!wide && address >> 32 != 0) || data > 0xffff || last > PCI_CONFIG_BYTES)
        return ERR_NOT_SUPPORTED;
    pci_write(access, location, at + PCI_MSI_ADDRESS, 4, (uint32_t)address);
    if (wide)
        pci_write(access, location, at + PCI_MSI_ADDRESS + 4, 4, (uint32_t)(address >> 32));
    pci_write(access, location, at + (wide ? 12u : 8u), 2, data);
    if ((control & PCI_MSI_MASKABLE) != 0)
        pci_write(access, location, at + (wide ? 16u : 12u), 4, 0);
    control &= ~(uint32_t)PCI_MSI_MULTIPLE_MASK;
    pci_write(access, location, at + PCI_MSI_CONTROL, 2, control | PCI_MSI_ENABLE);
    pci_command_change(access, location, PCI_COMMAND_NO_LINE, 0);
    return ERR_OK;
}

error_t pci_message_table(const struct pci_access *access, const struct pci_function *function, uint32_t *bar, uint32_t *offset,
                          uint32_t *entries) {
    if (function->msix == 0 || function->msix + 12 > PCI_CONFIG_BYTES)
        return ERR_NOT_SUPPORTED;
    uint32_t control = pci_read(access, function->location, function->msix + PCI_MSIX_CONTROL, 2);
    uint32_t where = pci_read(access, function->location, function->msix + PCI_MSIX_TABLE, 4);
    *bar = where & 7;
    *offset = where & ~UINT32_C(7);
    *entries = (control & PCI_MSIX_SIZE_MASK) + 1;
    if (*bar >= PCI_BARS)
        return ERR_NOT_SUPPORTED;
    const struct pci_bar *region = &function->bars[*bar];
    if (region->ports || region->address == 0 || *offset > region->length ||
        (uint64_t)*entries * PCI_MSIX_ENTRY_BYTES > region->length - *offset)
        return ERR_NOT_SUPPORTED;
    return ERR_OK;
}

void pci_message_table_enable(const struct pci_access *access, const struct pci_function *function, volatile uint32_t *table,
                              uint32_t entries, uint64_t address, uint32_t data) {
    uint32_t location = function->location, at = function->msix + (uint32_t)PCI_MSIX_CONTROL;
    uint32_t control = pci_read(access, location, at, 2) & ~(uint32_t)PCI_MSIX_MASK_ALL;
    pci_write(access, location, at, 2, control | PCI_MSIX_ENABLE | PCI_MSIX_MASK_ALL);
    for (uint32_t entry = 1; entry < entries; entry++)
        table[entry * 4 + 3] = 1;
    table[0] = (uint32_t)address;
    table[1] = (uint32_t)(address >> 32);
    table[2] = data;
    table[3] = 0;
    pci_write(access, location, at, 2, control | PCI_MSIX_ENABLE);
    pci_command_change(access, location, PCI_COMMAND_NO_LINE, 0);
}

void pci_message_disable(const struct pci_access *access, const struct pci_function *function) {
    uint32_t location = function->location;
    if (function->msi != 0) {
        uint32_t control = pci_read(access, location, function->msi + PCI_MSI_CONTROL, 2);
        pci_write(access, location, function->msi + PCI_MSI_CONTROL, 2, control & ~(uint32_t)PCI_MSI_ENABLE);
    }
    if (function->msix != 0) {
        uint32_t control = pci_read(access, location, function->msix + PCI_MSIX_CONTROL, 2);
        pci_write(access, location, function->msix + PCI_MSIX_CONTROL, 2, control & ~(uint32_t)PCI_MSIX_ENABLE);
    }
    pci_command_change(access, location, 0, PCI_COMMAND_NO_LINE);
}
