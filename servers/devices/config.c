// Configuration space by memory (ECAM, PCI Express Base 7.2.2; where it lies is in the MCFG table) or by the
// two ports of PCI 3.0, 3.2.2.3.2. A bus of ECAM is one MiB and is mapped when it is first looked at.
#include "servers/devices/state.h"

#include <stddef.h>

#include "drivers/bus/pci/registers.h"
#include "drivers/framework/driver.h"
#include "drivers/framework/port.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/ioport.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"

enum { ADDRESS_PORT = 0xcf8, DATA_PORT = 0xcfc, PORTS = 8, BUS_BYTES = 1 << 20, BUSES = 256 };

static uint32_t ports_read(void *context, uint32_t location, uint32_t offset, uint32_t width) {
    (void)context;
    if (location >> 16 != 0 || offset + width > PCI_CONFIG_BYTES)
        return UINT32_MAX >> (32 - width * 8);
    port_write32(ADDRESS_PORT, UINT32_C(1) << 31 | location << 8 | (offset & 0xfc));
    uint16_t port = (uint16_t)(DATA_PORT + (offset & 3));
    return width == 1 ? port_read8(port) : width == 2 ? port_read16(port) : port_read32(port);
}

static void ports_write(void *context, uint32_t location, uint32_t offset, uint32_t width, uint32_t value) {
    (void)context;
    if (location >> 16 != 0 || offset + width > PCI_CONFIG_BYTES)
        return;
    port_write32(ADDRESS_PORT, UINT32_C(1) << 31 | location << 8 | (offset & 0xfc));
    uint16_t port = (uint16_t)(DATA_PORT + (offset & 3));
    if (width == 1)
        port_write8(port, (uint8_t)value);
    else if (width == 2)
        port_write16(port, (uint16_t)value);
    else
        port_write32(port, value);
}

static volatile char *bus_maps[ACPI_ECAM_SEGMENTS][BUSES];

static volatile char *bus_map(uint32_t index, uint32_t bus) {
    if (bus_maps[index][bus] != NULL)
        return bus_maps[index][bus];
    uint64_t address = devices.platform.ecams[index].address + (uint64_t)bus * BUS_BYTES;
    cap_t memory;
    void *mapped;
    if (kernel_device_memory(SLOT_KERNEL, address, BUS_BYTES, 0, &memory) != ERR_OK)
        return NULL;
    if (driver_map(memory, BUS_BYTES, &mapped) == ERR_OK)
        bus_maps[index][bus] = mapped;
    slot_release(memory);
    return bus_maps[index][bus];
}

static volatile char *register_at(uint32_t location, uint32_t offset, uint32_t width) {
    uint32_t bus = location >> 8 & 0xff;
    if (offset + width > PCI_EXTENDED_CONFIG_BYTES)
        return NULL;
    for (uint32_t i = 0; i < devices.platform.ecam_count; i++) {
        const struct acpi_ecam *ecam = &devices.platform.ecams[i];
        if (ecam->segment != location >> 16 || bus < ecam->first_bus || bus > ecam->last_bus)
            continue;
        volatile char *map = bus_map(i, bus);
        return map != NULL ? map + ((location & 0xff) << 12 | offset) : NULL;
    }
    return NULL;
}

static uint32_t memory_config_read(void *context, uint32_t location, uint32_t offset, uint32_t width) {
    (void)context;
    volatile char *place = register_at(location, offset, width);
    if (place == NULL)
        return UINT32_MAX >> (32 - width * 8);
    return width == 1 ? *(volatile uint8_t *)place : width == 2 ? *(volatile uint16_t *)place : *(volatile uint32_t *)place;
}

static void memory_config_write(void *context, uint32_t location, uint32_t offset, uint32_t width, uint32_t value) {
    (void)context;
    volatile char *place = register_at(location, offset, width);
    if (place == NULL)
        return;
    if (width == 1)
        *(volatile uint8_t *)place = (uint8_t)value;
    else if (width == 2)
        *(volatile uint16_t *)place = (uint16_t)value;
    else
        *(volatile uint32_t *)place = value;
}

static bool ecam_works(void) {
    if ((devices.platform.flags & ACPI_HAS_MCFG) == 0 || devices.platform.ecam_count == 0)
        return false;
    uint8_t bus = devices.platform.ecams[0].first_bus;
    uint32_t vendor = memory_config_read(NULL, pci_location(devices.platform.ecams[0].segment, bus, 0, 0), PCI_VENDOR, 2);
    return vendor != 0xffff && vendor != 0;
}

error_t ports_attach(uint64_t first, uint64_t count) {
    cap_t ports;
    error_t error = ioport_derive(devices.ioport, first, count, &ports);
    if (error != ERR_OK)
        return error;
    error = process_attach_ports(SLOT_SELF, ports);
    slot_release(ports);
    return error;
}

error_t config_open(void) {
    if (devices.platform.ecam_count > ACPI_ECAM_SEGMENTS)
        devices.platform.ecam_count = ACPI_ECAM_SEGMENTS;
    if (ecam_works()) {
        devices.config = (struct pci_access){memory_config_read, memory_config_write, NULL};
        return ERR_OK;
    }
    devices.platform.ecam_count = 0;
    error_t error = ports_attach(ADDRESS_PORT, PORTS);
    if (error == ERR_OK)
        devices.config = (struct pci_access){ports_read, ports_write, NULL};
    return error;
}

uint32_t config_segments(void) {
    return devices.platform.ecam_count != 0 ? devices.platform.ecam_count : 1;
}

void config_segment(uint32_t index, uint32_t *segment, uint8_t *first_bus, uint8_t *last_bus) {
    *segment = 0;
    *first_bus = 0;
    *last_bus = BUSES - 1;
    if (devices.platform.ecam_count == 0)
        return;
    *segment = devices.platform.ecams[index].segment;
    *first_bus = devices.platform.ecams[index].first_bus;
    *last_bus = devices.platform.ecams[index].last_bus;
}
