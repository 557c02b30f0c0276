// The ata driver: claims the IDE controllers that the manifest gives it, finds their disks, and serves the
// protocol block. See README.md.
#include <stddef.h>

#include "drivers/block/ata/ata.h"
#include "drivers/block/ata/registers.h"
#include "drivers/framework/driver.h"
#include "drivers/framework/port.h"
#include "drivers/framework/report.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/start/start.h"

enum {
    CONTROLLERS_MOST = 2,
    CHANNELS_MOST = CONTROLLERS_MOST * 2,
    MASTER_REGION = 4,
    QUEUE_DEPTH = 64,
    NATIVE_CONTROL_OFFSET = 2, // of the other status register in a native BAR of four ports
};

// An interrupt and the channels that raise it: one in compatibility mode, both in native mode.
struct line {
    cap_t irq;
    struct ata_channel *channels[2];
};

static struct ata_channel channels[CHANNELS_MOST];
static struct line lines[CHANNELS_MOST];
static uint32_t channel_count, line_count;
static cap_t notification;

static void interrupted(void *argument, uint32_t bit) {
    struct line *line = argument;
    (void)bit;
    bool useful = false;
    for (uint32_t i = 0; i < 2 && line->channels[i] != NULL; i++)
        useful = channel_collect(line->channels[i]) || useful;
    driver_acknowledge(line->irq, useful);
    for (uint32_t i = 0; i < 2 && line->channels[i] != NULL; i++)
        channel_proceed(line->channels[i]);
    block_service_flush();
}

// Before the loop runs: waits for a time, without keeping others from running.
static void pause_for(uint64_t nanoseconds) {
    uint64_t until = clock_monotonic() + nanoseconds;
    while (clock_monotonic() < until) {
        struct ipc_registers registers = {.target = notification, .tag = TAG_DEADLINE};
        ipc_page->deadline = until;
        if (system_call(SYS_WAIT, &registers) == ERR_BAD_CAPABILITY)
            return;
    }
}

static error_t attach_channel(cap_t device, uint32_t index, uint16_t master, struct ata_channel *channel) {
    uint16_t base, control, count;
    error_t error = driver_attach_ports(device, index * 2, &base, &count);
    if (error == ERR_OK)
        error = driver_attach_ports(device, index * 2 + 1, &control, &count);
    if (error != ERR_OK)
        return error;
    channel->base = base;
    channel->control = count >= 4 ? (uint16_t)(control + NATIVE_CONTROL_OFFSET) : control;
    channel->master = master != 0 ? (uint16_t)(master + index * MASTER_CHANNEL_PORTS) : 0;
    channel->number = channel_count;
    struct driver_memory memory;
    error = driver_dma_memory(device, ATA_TABLE_BYTES + ATA_BOUNCE_BYTES, &memory);
    if (error != ERR_OK)
        return error;
    channel->table = memory.address;
    channel->table_physical = memory.physical;
    channel->bounce = (uint8_t *)memory.address + ATA_TABLE_BYTES;
    channel->bounce_physical = memory.physical + ATA_TABLE_BYTES;
    channel_count++;
    return ERR_OK;
}

static error_t bind_line(cap_t device, uint32_t index, struct ata_channel *first, struct ata_channel *second) {
    struct line *line = &lines[line_count];
    *line = (struct line){.channels = {first, second}};
    error_t error =
        driver_bind_interrupt(device, index, INTERRUPT_KIND_LINE, notification, UINT64_C(1) << line_count, &line->irq);
    if (error == ERR_OK)
        server_on_bit(&block_service.server, line_count++, interrupted, line);
    return error;
}

// Memory for calls comes from the first controller; others share it.
static error_t add_call_memory(cap_t device) {
    struct driver_memory memory;
    if (block_service.calls[0].memory != 0)
        return ERR_OK;
    error_t error = driver_dma_memory(device, (uint64_t)BLOCK_CALLS_MOST * BLOCK_CALL_BYTES, &memory);
    if (error == ERR_OK)
        block_service_add_call_memory(&memory);
    return error;
}

static error_t attach_controller(cap_t device) {
    struct device_information information;
    struct ata_channel *first = &channels[channel_count];
    uint16_t master = 0, count;
    error_t error = device_information(device, &information);
    if (error != ERR_OK)
        return error;
    if (information.regions[MASTER_REGION].kind == REGION_KIND_PORTS)
        error = driver_attach_ports(device, MASTER_REGION, &master, &count);
    for (uint32_t i = 0; i < 2 && error == ERR_OK; i++)
        error = attach_channel(device, i, master, &channels[channel_count]);
    if (error == ERR_OK)
        error = add_call_memory(device);
    for (uint32_t i = 0; i < 2 && error == ERR_OK; i++)
        probe_channel(&first[i], pause_for);
    if (error == ERR_OK && master != 0)
        error = device_set_master(device, 1);
    if (error == ERR_NOT_PERMITTED) { // no DMA in this machine
        for (uint32_t i = 0; i < 2; i++)
            first[i].disks[0].dma = first[i].disks[1].dma = false;
        error = ERR_OK;
    }
    if (error != ERR_OK)
        return error;
    bool compatible = (information.interface & 5) == 0;
    error = bind_line(device, 0, &first[0], compatible ? NULL : &first[1]);
    if (error == ERR_OK && compatible)
        error = bind_line(device, 1, &first[1], NULL);
    return error;
}

// Disks count in the order of channels, master before slave, leaving out what is not there.
static void add_disks(void) {
    for (uint32_t i = 0; i < channel_count * 2; i++) {
        struct ata_disk *disk = &channels[i / 2].disks[i % 2];
        if (!disk->present)
            continue;
        disk->block.queue_depth = QUEUE_DEPTH;
        disk->block.submit = channel_submit;
        disk->block.kick = channel_kick;
        if (block_service_add(&disk->block, probe_read_sector, disk) != ERR_OK)
            return;
    }
}

// From now on commands end with interrupts.
static void enable_interrupts(void) {
    for (uint32_t i = 0; i < channel_count; i++) {
        port_write8(channels[i].control, 0);
        (void)port_read8((uint16_t)(channels[i].base + ATA_STATUS));
    }
}

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    notification = startup_capability("notification");
    if (block_service_open("disk") != ERR_OK)
        return 1;
    cap_t device;
    error_t error;
    for (uint64_t i = 0; i < CONTROLLERS_MOST && device_claim(startup_capability("device"), i, &device) == ERR_OK; i++)
        if ((error = attach_controller(device)) != ERR_OK)
            report_failure("a controller can't be set up", error);
    add_disks();
    if (block_service.disk_count == 0)
        report_line(REPORT_WARNING, "no disks");
    enable_interrupts();
    return block_service_run() == ERR_OK ? 0 : 1;
}
