// Writing commands into the registers. The device register is written with each command; after a change of
// the disk that it names the standard asks for 400 ns, which four reads of the other status register take.
#include "drivers/block/ata/ata.h"
#include "drivers/block/ata/registers.h"
#include "drivers/framework/port.h"

enum { READY_POLLS = 2000 };

bool command_select(struct ata_channel *channel, const struct ata_disk *disk) {
    if (channel->has_selected && channel->selected == disk->index)
        return true;
    port_write8((uint16_t)(channel->base + ATA_DEVICE),
                (uint8_t)(ATA_DEVICE_OBSOLETE | ATA_DEVICE_LBA | (disk->index != 0 ? ATA_DEVICE_SECOND : 0)));
    for (uint32_t i = 0; i < 4; i++)
        (void)port_read8(channel->control);
    channel->selected = disk->index;
    for (uint32_t i = 0; i < READY_POLLS; i++) {
        channel->status = port_read8(channel->control);
        if ((channel->status & (ATA_STATUS_BUSY | ATA_STATUS_DATA_REQUEST)) == 0) {
            channel->has_selected = true;
            return true;
        }
    }
    return false;
}

static void write_register(const struct ata_channel *channel, uint32_t number, uint64_t value) {
    port_write8((uint16_t)(channel->base + number), (uint8_t)value);
}

static bool is_short(uint64_t sector, uint32_t count) {
    return count <= ATA_SHORT_SECTORS && sector + count <= UINT64_C(1) << 28;
}

// The address and count, in the form that `short_command` or the other one takes. A count of 0 means 256 or
// 65,536.
static void command_issue(struct ata_channel *channel, uint64_t sector, uint32_t count, uint32_t short_command,
                          uint32_t long_command) {
    uint32_t device = ATA_DEVICE_OBSOLETE | ATA_DEVICE_LBA | (channel->selected != 0 ? ATA_DEVICE_SECOND : 0u);
    bool fits = is_short(sector, count);
    if (!fits) {
        write_register(channel, ATA_COUNT, count >> 8);
        write_register(channel, ATA_LBA_LOW, sector >> 24);
        write_register(channel, ATA_LBA_MID, sector >> 32);
        write_register(channel, ATA_LBA_HIGH, sector >> 40);
    }
    write_register(channel, ATA_COUNT, count);
    write_register(channel, ATA_LBA_LOW, sector);
    write_register(channel, ATA_LBA_MID, sector >> 8);
    write_register(channel, ATA_LBA_HIGH, sector >> 16);
    write_register(channel, ATA_DEVICE, fits ? device | (sector >> 24 & 15) : device);
    write_register(channel, ATA_COMMAND, fits ? short_command : long_command);
}

void command_dma(struct ata_channel *channel, uint64_t sector, uint32_t count, bool write) {
    uint8_t direction = write ? 0 : MASTER_COMMAND_TO_MEMORY;
    uint8_t status = port_read8((uint16_t)(channel->master + MASTER_STATUS)) & MASTER_STATUS_KEPT;
    port_write32((uint16_t)(channel->master + MASTER_TABLE), (uint32_t)channel->table_physical);
    port_write8((uint16_t)(channel->master + MASTER_COMMAND), direction);
    port_write8((uint16_t)(channel->master + MASTER_STATUS), status | MASTER_STATUS_ERROR | MASTER_STATUS_INTERRUPT);
    command_issue(channel, sector, count, write ? ATA_WRITE_DMA : ATA_READ_DMA, write ? ATA_WRITE_DMA_EXT : ATA_READ_DMA_EXT);
    port_write8((uint16_t)(channel->master + MASTER_COMMAND), direction | MASTER_COMMAND_START);
}

void command_stop_dma(struct ata_channel *channel) {
    if (channel->master != 0)
        port_write8((uint16_t)(channel->master + MASTER_COMMAND), 0);
}

void command_pio(struct ata_channel *channel, uint64_t sector, uint32_t count, bool write) {
    command_issue(channel, sector, count, write ? ATA_WRITE_SECTORS : ATA_READ_SECTORS,
                  write ? ATA_WRITE_SECTORS_EXT : ATA_READ_SECTORS_EXT);
}

void command_flush(struct ata_channel *channel) {
    write_register(channel, ATA_DEVICE, ATA_DEVICE_OBSOLETE | ATA_DEVICE_LBA | (channel->selected != 0 ? ATA_DEVICE_SECOND : 0u));
    write_register(channel, ATA_COMMAND, channel->command.disk->flush_ext ? ATA_FLUSH_CACHE_EXT : ATA_FLUSH_CACHE);
}
