// See driver.h.
#include "drivers/framework/driver.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/irq.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/server/server.h"
#include "libipc/start/start.h"

error_t driver_map(cap_t memory, uint64_t length, void **address) {
    uint64_t at = 0;
    error_t error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &at);
    *address = (void *)(uintptr_t)at;
    return error;
}

error_t driver_map_region(cap_t device, uint64_t index, volatile void **registers, uint64_t *length) {
    uint64_t kind, offset;
    cap_t region;
    error_t error = device_region(device, index, &kind, length, &offset, &region);
    if (error != ERR_OK)
        return error;
    void *address;
    if (kind != REGION_KIND_MEMORY)
        error = ERR_WRONG_KIND;
    else
        error = driver_map(region, (offset + *length + 4095) & ~UINT64_C(4095), &address);
    if (error == ERR_OK)
        *registers = (char *)address + offset;
    slot_release(region); // the mapping stays
    return error;
}

error_t driver_attach_ports(cap_t device, uint64_t index, uint16_t *first, uint16_t *count) {
    uint64_t kind, length, offset;
    cap_t region;
    struct device_information information;
    error_t error = device_information(device, &information);
    if (error == ERR_OK)
        error = device_region(device, index, &kind, &length, &offset, &region);
    if (error != ERR_OK)
        return error;
    error = kind == REGION_KIND_PORTS ? process_attach_ports(SLOT_SELF, region) : ERR_WRONG_KIND;
    *first = (uint16_t)information.regions[index].address;
    *count = (uint16_t)length;
    slot_release(region);
    return error;
}

error_t driver_bind_interrupt(cap_t device, uint64_t index, uint64_t kind, cap_t notification, uint64_t bits, cap_t *irq) {
    error_t error = device_interrupt(device, index, kind, NULL, irq);
    if (error != ERR_OK)
        return error;
    error = irq_bind(*irq, bits, notification);
    if (error != ERR_OK)
        slot_release(*irq);
    return error;
}

error_t driver_dma_memory(cap_t device, uint64_t length, struct driver_memory *memory) {
    memory->length = length;
    error_t error = device_dma_memory(device, length, CREATE_FLAG_BELOW_4G, &memory->physical, &memory->memory);
    if (error != ERR_OK)
        return error;
    error = driver_map(memory->memory, length, &memory->address);
    if (error != ERR_OK)
        slot_release(memory->memory);
    return error;
}

static bool slot_listed(cap_t slot) {
    const struct startup *startup = startup_data();
    const struct startup_capability *listed =
        (const struct startup_capability *)(const void *)((const char *)startup + startup->capability_offset);
    for (uint32_t i = 0; i < startup->capability_count; i++)
        if (listed[i].slot == slot)
            return true;
    return false;
}

void driver_reconcile(bool (*claimed)(cap_t slot)) {
    uint64_t slot = STARTUP_FIRST_FREE_SLOT;
    while (process_slot_next(SLOT_SELF, slot, &slot, NULL, NULL, NULL, NULL) == ERR_OK) {
        if (claimed((cap_t)slot)) {
            slot_reserve((cap_t)slot);
        } else if (!slot_listed((cap_t)slot)) {
            error_t ignored = process_slot_delete(SLOT_SELF, slot);
            (void)ignored;
        }
        slot++;
    }
}

error_t driver_client_memory(cap_t memory, uint64_t least, uint64_t *length) {
    uint64_t kind;
    error_t error = memory_information(memory, length, &kind, NULL);
    if (error != ERR_OK)
        return error;
    bool own = kind == MEMORY_KIND_ANONYMOUS || kind == MEMORY_KIND_CONTIGUOUS;
    return own && *length >= least ? ERR_OK : ERR_INVALID;
}

struct server_interrupts server_interrupts; // read by init

void driver_acknowledge(cap_t irq, bool useful) {
    uint64_t delivered = 0; // not 1: a client has signalled the bit
    error_t ignored = irq_acknowledge(irq, &delivered);
    (void)ignored;
    server_interrupts.taken += delivered;
    server_interrupts.useless += useful ? 0 : delivered;
}
