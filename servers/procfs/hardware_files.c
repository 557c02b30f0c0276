// Hardware as `devices` and the block drivers tell of it.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/device.h"
#include "libipc/protocols/kernel.h"
#include "servers/procfs/state.h"

enum { LINES = 256, NO_LINE = -1, DRIVER_BYTES = 16 };

static bool device_is_line(const struct device_information *device, uint32_t line) {
    return device->line == line && device->claimed != 0 && device->driver[0] != '\0';
}

// Names of those who have the line, with commas; false if nobody has.
static bool add_line_drivers(struct document *document, uint32_t line) {
    struct device_information device;
    bool found = false;
    for (uint64_t id = 0; procfs.device != 0 && device_next(procfs.device, id, &device) == ERR_OK; id = device.id) {
        if (device.id <= id)
            break;
        if (!device_is_line(&device, line))
            continue;
        if (found)
            document_append(document, ",", 1);
        document_word(document, device.driver, sizeof(device.driver));
        found = true;
    }
    return found;
}

void make_interrupts(struct document *document, uint64_t id) {
    uint64_t count;
    (void)id;
    for (uint32_t line = 0; line < LINES; line++) {
        if (kernel_interrupt_count(SLOT_KERNEL, line, &count) != ERR_OK)
            continue; // nobody counts it
        struct document drivers = {0};
        if (add_line_drivers(&drivers, line) || count != 0) {
            document_format(document, "%u %llu ", line, (unsigned long long)count);
            if (drivers.length != 0)
                document_append(document, drivers.bytes, drivers.length);
            else
                document_append(document, "-", 1);
            document_append(document, "\n", 1);
        }
        document_free(&drivers);
    }
}

void make_pci(struct document *document, uint64_t id) {
    struct device_information device;
    (void)id;
    for (uint64_t at = 0; procfs.device != 0 && device_next(procfs.device, at, &device) == ERR_OK; at = device.id) {
        if (device.id <= at)
            return;
        if (device.bus != BUS_KIND_PCI)
            continue;
        document_format(document, "%02x:%02x.%x %04x:%04x %02x%02x%02x %02x ", device.location >> 8 & 0xff,
                        device.location >> 3 & 0x1f, device.location & 7, device.vendor, device.device, device.class,
                        device.subclass, device.interface, device.revision);
        if (device.line == (uint32_t)NO_LINE)
            document_append(document, "-", 1);
        else
            document_format(document, "%u", device.line);
        document_append(document, " ", 1);
        document_word(document, device.driver, device.claimed != 0 ? sizeof(device.driver) : 0);
        document_append(document, "\n", 1);
    }
}

static void add_unit(struct document *document, const struct block_status *unit, const struct block_status *parent) {
    document_word(document, unit->name, sizeof(unit->name));
    document_append(document, " ", 1);
    document_word(document, parent != NULL ? parent->name : unit->name, parent != NULL ? sizeof(parent->name) : 0);
    document_format(document, " %llu %u %u ", (unsigned long long)(unit->sectors * unit->sector_size), unit->sector_size,
                    (unit->flags & BLOCK_FLAG_READ_ONLY) != 0);
    document_rest(document, unit->model, sizeof(unit->model));
    document_append(document, "\n", 1);
}

static void add_partitions(struct document *document, cap_t driver, const struct block_status *disk) {
    struct block_status unit;
    uint64_t cursor = 0;
    while (block_next_unit(driver, cursor, &cursor, &unit) == ERR_OK)
        if (unit.partition != 0 && unit.disk == disk->disk)
            add_unit(document, &unit, disk);
}

void make_disks(struct document *document, uint64_t id) {
    (void)id;
    for (uint32_t i = 0; i < procfs.disk_driver_count; i++) {
        struct block_status disk;
        uint64_t cursor = 0;
        while (block_next_unit(procfs.disks[i], cursor, &cursor, &disk) == ERR_OK) {
            if (disk.partition != 0)
                continue;
            add_unit(document, &disk, NULL);
            add_partitions(document, procfs.disks[i], &disk);
        }
    }
}
