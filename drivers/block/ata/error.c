// What went wrong, in words: "disk1: reading sector 2048 (8 sectors by DMA): uncorrectable data".
#include "drivers/block/ata/ata.h"
#include "drivers/block/ata/registers.h"
#include "drivers/framework/report.h"
#include "libipc/protocols/block.h"

static const struct {
    uint8_t bit;
    const char *meaning;
} error_bits[] = {
    {ATA_ERROR_INTERFACE_CRC, "transmission error (CRC)"},
    {ATA_ERROR_UNCORRECTABLE, "uncorrectable data"},
    {ATA_ERROR_NOT_FOUND, "sector not found"},
    {ATA_ERROR_ABORTED, "command aborted"},
};

static void add_cause(struct text *text, const struct ata_channel *channel) {
    uint32_t before = text->length;
    if ((channel->status & ATA_STATUS_FAULT) != 0)
        text_add(text, "device fault");
    for (uint32_t i = 0; (channel->status & ATA_STATUS_ERROR) != 0 && i < sizeof(error_bits) / sizeof(error_bits[0]); i++) {
        if ((channel->error & error_bits[i].bit) == 0)
            continue;
        text_add(text, text->length != before ? ", " : "");
        text_add(text, error_bits[i].meaning);
    }
    if ((channel->master_status & MASTER_STATUS_ERROR) != 0) {
        text_add(text, text->length != before ? ", " : "");
        text_add(text, "DMA error");
    }
    if (text->length == before) {
        text_add(text, "status ");
        text_add_hex(text, channel->status, 2);
        text_add(text, ", error ");
        text_add_hex(text, channel->error, 2);
    }
}

void error_report(const struct ata_channel *channel, const char *what) {
    const struct ata_command *command = &channel->command;
    struct text text = {0};
    text_add(&text, block_service.prefix);
    text_add_number(&text, command->disk->block.number);
    if (command->operation == BLOCK_OPERATION_FLUSH) {
        text_add(&text, ": flushing the cache");
    } else {
        text_add(&text, command->operation == BLOCK_OPERATION_READ ? ": reading sector " : ": writing sector ");
        text_add_number(&text, command->io->sector + command->io_done);
        text_add(&text, " (");
        text_add_number(&text, command->step);
        text_add(&text, command->pio || !command->disk->dma ? " sectors by PIO)" : " sectors by DMA)");
    }
    text_add(&text, ": ");
    if (what[0] != '\0')
        text_add(&text, what);
    else
        add_cause(&text, channel);
    report(REPORT_WARNING, &text);
}
