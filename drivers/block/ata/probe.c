// Finding disks on a channel at the start, before interrupts are on: reset, look at the signatures, IDENTIFY;
// and reading single sectors for partition tables. All by polling, with pauses in which others run.
#include <stddef.h>

#include "drivers/block/ata/ata.h"
#include "drivers/block/ata/registers.h"
#include "drivers/framework/port.h"
#include "drivers/framework/report.h"

enum { QUICK_POLLS = 1000, READ_ATTEMPTS = 3 };
#define MILLISECOND   UINT64_C(1000000)
#define RESET_LIMIT   (31000 * MILLISECOND) // ATA/ATAPI-7: what a disk may take to be ready
#define COMMAND_LIMIT (5000 * MILLISECOND)

static void (*probe_pause)(uint64_t nanoseconds);

static void write_register(const struct ata_channel *channel, uint32_t number, uint32_t value) {
    port_write8((uint16_t)(channel->base + number), (uint8_t)value);
}

static uint8_t read_register(const struct ata_channel *channel, uint32_t number) {
    return port_read8((uint16_t)(channel->base + number));
}

// Waits until the disk is not busy; false: it stayed busy for `limit` nanoseconds.
static bool wait_idle(struct ata_channel *channel, uint64_t limit) {
    for (uint32_t i = 0; i < QUICK_POLLS; i++) {
        channel->status = port_read8(channel->control);
        if ((channel->status & ATA_STATUS_BUSY) == 0)
            return true;
    }
    for (uint64_t waited = 0; waited < limit; waited += MILLISECOND) {
        probe_pause(MILLISECOND);
        channel->status = port_read8(channel->control);
        if ((channel->status & ATA_STATUS_BUSY) == 0)
            return true;
    }
    return false;
}

static void select(struct ata_channel *channel, uint32_t index) {
    write_register(channel, ATA_DEVICE, ATA_DEVICE_OBSOLETE | ATA_DEVICE_LBA | (index != 0 ? (uint32_t)ATA_DEVICE_SECOND : 0));
    for (uint32_t i = 0; i < 4; i++)
        (void)port_read8(channel->control);
    channel->has_selected = false;
}

// Registers that keep what is written belong to somebody; an empty channel reads as ones or zeros. A disk that is busy takes
// nothing: a reset makes it so for a while.
static bool answers(struct ata_channel *channel, uint32_t index) {
    for (uint32_t i = 0; i < 2; i++) {
        if (port_read8(channel->control) == ATA_STATUS_FLOATING || !wait_idle(channel, RESET_LIMIT))
            return false;
        select(channel, index);
    }
    write_register(channel, ATA_COUNT, 0x55);
    write_register(channel, ATA_LBA_LOW, 0xaa);
    return read_register(channel, ATA_COUNT) == 0x55 && read_register(channel, ATA_LBA_LOW) == 0xaa;
}

// Gets `words` words after a command that delivers a sector.
static error_t take_data(struct ata_channel *channel, void *to, uint32_t words) {
    (void)port_read8(channel->control); // 400 ns, in part
    if (!wait_idle(channel, COMMAND_LIMIT))
        return ERR_DEADLINE;
    channel->status = read_register(channel, ATA_STATUS);
    if ((channel->status & (ATA_STATUS_ERROR | ATA_STATUS_FAULT)) != 0 || (channel->status & ATA_STATUS_DATA_REQUEST) == 0) {
        channel->error = read_register(channel, ATA_ERROR);
        return ERR_IO;
    }
    port_read_words((uint16_t)(channel->base + ATA_DATA), to, words);
    return ERR_OK;
}

static void report_disk(const struct ata_disk *disk, const char *what) {
    struct text text = {0};
    text_add(&text, "channel ");
    text_add_number(&text, disk->channel->number);
    text_add(&text, disk->index != 0 ? ", slave: " : ", master: ");
    text_add(&text, what);
    report(block_service.is_restart ? REPORT_DEBUG : REPORT_INFORMATION, &text);
}

static void probe_disk(struct ata_channel *channel, struct ata_disk *disk) {
    uint16_t words[ATA_IDENTIFY_WORDS];
    select(channel, disk->index);
    if (!wait_idle(channel, RESET_LIMIT) || channel->status == ATA_STATUS_FLOATING)
        return;
    uint32_t signature = (uint32_t)read_register(channel, ATA_LBA_MID) | (uint32_t)read_register(channel, ATA_LBA_HIGH) << 8;
    if (signature == 0xeb14 || signature == 0x9669) {
        disk->packet = true;
        report_disk(disk, "an ATAPI device, not used");
        return;
    }
    if (channel->status == 0) // an ATA disk would be ready
        return;
    write_register(channel, ATA_COMMAND, ATA_IDENTIFY);
    if (take_data(channel, words, ATA_IDENTIFY_WORDS) != ERR_OK)
        return; // a register that answered, and no disk behind it
    if (identify_parse(disk, words) != ERR_OK) {
        report_disk(disk, "a disk that can't be used: no linear addresses, or sectors that are not 512 bytes");
        return;
    }
    disk->present = true;
    disk->dma = disk->dma && channel->master != 0;
}

void probe_channel(struct ata_channel *channel, void (*pause)(uint64_t nanoseconds)) {
    probe_pause = pause;
    for (uint32_t i = 0; i < 2; i++)
        channel->disks[i] = (struct ata_disk){.channel = channel, .index = i};
    if (port_read8(channel->control) == ATA_STATUS_FLOATING)
        return;
    // First: a disk that is busy with what an actor before has asked for looks at no register.
    command_stop_dma(channel);
    port_write8(channel->control, ATA_CONTROL_RESET | ATA_CONTROL_NO_INTERRUPT);
    pause(MILLISECOND / 20);
    port_write8(channel->control, ATA_CONTROL_NO_INTERRUPT);
    pause(2 * MILLISECOND);
    for (uint32_t i = 0; i < 2; i++)
        if (answers(channel, i))
            probe_disk(channel, &channel->disks[i]);
    for (uint32_t i = 0; i < 2; i++)
        if (channel->disks[i].present)
            select(channel, i); // the last one found is left selected
    (void)read_register(channel, ATA_STATUS);
}

error_t probe_read_sector(void *context, uint64_t sector, void *to) {
    struct ata_disk *disk = context;
    struct ata_channel *channel = disk->channel;
    error_t error = ERR_IO;
    for (uint32_t i = 0; i < READ_ATTEMPTS && error != ERR_OK; i++) {
        channel->has_selected = false;
        if (!command_select(channel, disk))
            return ERR_IO;
        command_pio(channel, sector, 1, false);
        error = take_data(channel, to, SECTOR_BYTES / 2);
    }
    channel->has_selected = false;
    return error != ERR_OK ? ERR_IO : ERR_OK;
}
