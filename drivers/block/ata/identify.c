// What IDENTIFY DEVICE tells (ATA/ATAPI-7, volume 1, 6.17): 256 words, strings with the bytes of each word
// swapped.
#include "drivers/block/ata/ata.h"

enum {
    WORD_GENERAL = 0,
    WORD_MODEL = 27, // 20 words
    WORD_CAPABILITIES = 49,
    WORD_SECTORS_28 = 60,
    WORD_COMMANDS_2 = 83,
    WORD_SECTORS_48 = 100,
    WORD_SECTOR_SIZE = 106,
    WORD_SECTOR_WORDS = 117,

    GENERAL_NOT_ATA = 1 << 15,
    CAPABILITY_DMA = 1 << 8,
    CAPABILITY_LBA = 1 << 9,
    COMMANDS_48_BITS = 1 << 10,
    COMMANDS_FLUSH = 1 << 12,
    COMMANDS_FLUSH_EXT = 1 << 13,
    VALID_MASK = 3 << 14, // of words 83 and 106: must be 01
    VALID = 1 << 14,
    SECTOR_SIZE_LONG = 1 << 12,
    MODEL_BYTES = 40,
};

static void model_take(struct ata_disk *disk, const uint16_t *words) {
    uint32_t length = 0;
    for (uint32_t i = 0; i < MODEL_BYTES; i++) {
        uint16_t word = words[WORD_MODEL + i / 2];
        char c = (char)(i % 2 == 0 ? word >> 8 : word & 0xff);
        disk->block.model[i] = c >= ' ' && c <= '~' ? c : ' ';
        if (disk->block.model[i] != ' ')
            length = i + 1;
    }
    disk->block.model[length] = '\0';
}

error_t identify_parse(struct ata_disk *disk, const uint16_t *words) {
    if ((words[WORD_GENERAL] & GENERAL_NOT_ATA) != 0 || (words[WORD_CAPABILITIES] & CAPABILITY_LBA) == 0)
        return ERR_NOT_SUPPORTED;
    uint16_t commands = words[WORD_COMMANDS_2], size = words[WORD_SECTOR_SIZE];
    if ((commands & VALID_MASK) != VALID)
        commands = 0;
    uint64_t sectors = words[WORD_SECTORS_28] | (uint64_t)words[WORD_SECTORS_28 + 1] << 16;
    disk->lba48 = (commands & COMMANDS_48_BITS) != 0;
    if (disk->lba48) {
        uint64_t more = 0;
        for (uint32_t i = 4; i-- > 0;)
            more = more << 16 | words[WORD_SECTORS_48 + i];
        more &= (UINT64_C(1) << 48) - 1;
        if (more > sectors)
            sectors = more;
    }
    if ((size & VALID_MASK) == VALID && (size & SECTOR_SIZE_LONG) != 0 &&
        (words[WORD_SECTOR_WORDS] | (uint32_t)words[WORD_SECTOR_WORDS + 1] << 16) != SECTOR_BYTES / 2)
        return ERR_NOT_SUPPORTED;
    disk->dma = (words[WORD_CAPABILITIES] & CAPABILITY_DMA) != 0;
    disk->flush = (commands & (COMMANDS_FLUSH | COMMANDS_FLUSH_EXT)) != 0;
    disk->flush_ext = disk->lba48 && (commands & COMMANDS_FLUSH_EXT) != 0;
    disk->block.sectors = sectors;
    disk->block.flags = disk->flush ? BLOCK_FLAG_FLUSH : 0;
    model_take(disk, words);
    return sectors != 0 ? ERR_OK : ERR_NOT_SUPPORTED;
}
