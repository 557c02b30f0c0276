// The capabilities of one device: registers, ports, interrupts, memory for DMA. An original stays here for as
// long as the device is claimed, the driver gets a copy: taking back is one revocation. Memory for DMA is
// revoked only after mastering is off, so a frame that the device may still write to is never reused.
#include "servers/devices/state.h"

#include <stddef.h>

#include "drivers/bus/pci/registers.h"
#include "drivers/framework/driver.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/ioport.h"
#include "libipc/protocols/irq.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"

enum { PAGE_MASK = 4095, PORTS_END = 65536 };

static void take_back(cap_t *original) {
    if (*original == 0)
        return;
    error_t ignored = process_slot_revoke(SLOT_SELF, *original);
    (void)ignored;
    slot_release(*original);
    *original = 0;
}

static bool is_pci(const struct device *device) {
    return device->information.bus == BUS_KIND_PCI;
}

static void decode_enable(struct device *device, bool ports) {
    if (is_pci(device))
        pci_command_change(&devices.config, device->function.location, ports ? PCI_COMMAND_PORTS : PCI_COMMAND_MEMORY, 0);
}

static error_t region_create(struct device *device, uint32_t index) {
    const struct device_region *region = &device->information.regions[index];
    if (region->kind == REGION_KIND_PORTS) {
        if (region->address == 0 || region->address + region->length > PORTS_END)
            return ERR_INVALID;
        decode_enable(device, true);
        return ioport_derive(devices.ioport, region->address, region->length, &device->regions[index]);
    }
    uint64_t start = region->address & ~(uint64_t)PAGE_MASK;
    uint64_t end = (region->address + region->length + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
    if (region->address == 0 || end <= start)
        return ERR_INVALID;
    decode_enable(device, false);
    return kernel_device_memory(SLOT_KERNEL, start, end - start, device->region_flags[index], &device->regions[index]);
}

error_t resource_region(struct device *device, uint32_t index, cap_t *copy) {
    if (index >= DEVICE_REGIONS || device->information.regions[index].length == 0)
        return ERR_NOT_FOUND;
    if (device->regions[index] == 0) {
        error_t error = region_create(device, index);
        if (error != ERR_OK)
            return error;
    }
    return slot_duplicate(device->regions[index], RIGHTS_ALL, copy);
}

// Vector 0 of MSI-X: its table lies in a BAR, which is mapped for the moment.
static error_t table_enable(struct device *device, uint64_t address, uint32_t data) {
    const struct pci_function *function = &device->function;
    uint32_t bar, offset, entries;
    error_t error = pci_message_table(&devices.config, function, &bar, &offset, &entries);
    if (error != ERR_OK)
        return error;
    uint64_t table = function->bars[bar].address + offset, start = table & ~(uint64_t)PAGE_MASK;
    uint64_t length = (table + entries * PCI_MSIX_ENTRY_BYTES - start + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
    decode_enable(device, false);
    cap_t memory;
    void *map;
    error = kernel_device_memory(SLOT_KERNEL, start, length, 0, &memory);
    if (error != ERR_OK)
        return error;
    error = driver_map(memory, length, &map);
    slot_release(memory);
    if (error != ERR_OK)
        return error;
    volatile uint32_t *entry = (volatile uint32_t *)(void *)((char *)map + (table - start));
    pci_message_table_enable(&devices.config, function, entry, entries, address, data);
    error_t ignored = process_unmap(SLOT_SELF, (uintptr_t)map, length);
    (void)ignored;
    return ERR_OK;
}

static error_t message_create(struct device *device, cap_t *irq) {
    uint64_t address, data;
    if (!is_pci(device) || (device->function.msi == 0 && device->function.msix == 0))
        return ERR_NOT_SUPPORTED;
    error_t error = irq_create_message(devices.irq, &address, &data, irq);
    if (error != ERR_OK)
        return error;
    error = pci_message_enable(&devices.config, &device->function, address, (uint32_t)data);
    if (error != ERR_OK)
        error = table_enable(device, address, (uint32_t)data);
    if (error != ERR_OK)
        slot_release(*irq);
    return error;
}

error_t resource_interrupt(struct device *device, uint32_t index, uint64_t wanted, uint64_t *kind, cap_t *copy) {
    if (index >= DEVICE_INTERRUPTS)
        return ERR_NOT_FOUND;
    cap_t *irq = &device->irqs[index];
    if (*irq != 0 && device->irq_kinds[index] == INTERRUPT_KIND_MESSAGE && wanted == INTERRUPT_KIND_LINE) {
        pci_message_disable(&devices.config, &device->function);
        take_back(irq);
    }
    if (*irq == 0) {
        const struct device_line *line = &device->lines[index];
        error_t error = ERR_NOT_SUPPORTED;
        device->irq_kinds[index] = INTERRUPT_KIND_MESSAGE;
        if (wanted == INTERRUPT_KIND_MESSAGE && index == 0)
            error = message_create(device, irq);
        if (error != ERR_OK) {
            device->irq_kinds[index] = INTERRUPT_KIND_LINE;
            error = line->present ? irq_create_line(devices.irq, line->gsi, line->flags, irq) : ERR_NOT_FOUND;
            if (error == ERR_OK && is_pci(device))
                pci_command_change(&devices.config, device->function.location, 0, PCI_COMMAND_NO_LINE);
        }
        if (error != ERR_OK) {
            *irq = 0;
            return error;
        }
    }
    *kind = device->irq_kinds[index];
    return slot_duplicate(*irq, RIGHTS_ALL, copy);
}

error_t resource_dma(struct device *device, uint64_t length, uint64_t flags, uint64_t *physical, cap_t *copy) {
    for (uint32_t i = 0; i < DEVICE_DMA_MOST; i++) {
        if (device->dma[i] != 0)
            continue;
        error_t error = account_create_contiguous(SLOT_ACCOUNT, length, flags, physical, &device->dma[i]);
        if (error != ERR_OK) {
            device->dma[i] = 0;
            return error;
        }
        error = slot_duplicate(device->dma[i], RIGHTS_ALL, copy);
        if (error != ERR_OK)
            take_back(&device->dma[i]);
        return error;
    }
    return ERR_QUOTA;
}

void resource_master(struct device *device, bool on) {
    device->mastering = on;
    if (is_pci(device))
        pci_command_change(&devices.config, device->function.location, on ? PCI_COMMAND_MASTER : 0, on ? 0 : PCI_COMMAND_MASTER);
}

void resource_release(struct device *device) {
    resource_master(device, false);
    if (is_pci(device) && (device->function.msi != 0 || device->function.msix != 0))
        pci_message_disable(&devices.config, &device->function);
    for (uint32_t i = 0; i < DEVICE_INTERRUPTS; i++)
        take_back(&device->irqs[i]);
    for (uint32_t i = 0; i < DEVICE_REGIONS; i++)
        take_back(&device->regions[i]);
    for (uint32_t i = 0; i < DEVICE_DMA_MOST; i++)
        take_back(&device->dma[i]);
    device->owner = 0;
    device->information.claimed = 0;
}
