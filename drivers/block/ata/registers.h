// Registers of an ATA channel and of a PCI IDE bus master. ATA/ATAPI-7 (INCITS 397), volume 2, clause 5 for
// the registers and volume 1, clause 6 for the commands; Programming Interface for Bus Master IDE
// Controller 1.0.
#pragma once

enum { // from the command block's base
    ATA_DATA = 0,
    ATA_ERROR = 1, // read
    ATA_FEATURES = 1,
    ATA_COUNT = 2,
    ATA_LBA_LOW = 3,
    ATA_LBA_MID = 4,
    ATA_LBA_HIGH = 5,
    ATA_DEVICE = 6,
    ATA_STATUS = 7,  // read; takes the interrupt back
    ATA_COMMAND = 7, // write
};

enum {
    ATA_STATUS_ERROR = 0x01,
    ATA_STATUS_DATA_REQUEST = 0x08,
    ATA_STATUS_FAULT = 0x20,
    ATA_STATUS_READY = 0x40,
    ATA_STATUS_BUSY = 0x80,
    ATA_STATUS_FLOATING = 0xff, // nothing drives the bus

    ATA_ERROR_ABORTED = 0x04,
    ATA_ERROR_NOT_FOUND = 0x10,
    ATA_ERROR_UNCORRECTABLE = 0x40,
    ATA_ERROR_INTERFACE_CRC = 0x80,

    ATA_DEVICE_LBA = 0x40,
    ATA_DEVICE_SECOND = 0x10,
    ATA_DEVICE_OBSOLETE = 0xa0, // bits that old devices want set

    ATA_CONTROL_NO_INTERRUPT = 0x02,
    ATA_CONTROL_RESET = 0x04,
};

enum {
    ATA_READ_SECTORS = 0x20,
    ATA_READ_SECTORS_EXT = 0x24,
    ATA_READ_DMA_EXT = 0x25,
    ATA_WRITE_SECTORS = 0x30,
    ATA_WRITE_SECTORS_EXT = 0x34,
    ATA_WRITE_DMA_EXT = 0x35,
    ATA_READ_DMA = 0xc8,
    ATA_WRITE_DMA = 0xca,
    ATA_FLUSH_CACHE = 0xe7,
    ATA_FLUSH_CACHE_EXT = 0xea,
    ATA_IDENTIFY = 0xec,
};

enum { // from the bus master's base; the second channel's lie 8 further
    MASTER_COMMAND = 0,
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,
    MASTER_CHANNEL_PORTS = 8,

    MASTER_COMMAND_START = 0x01,
    MASTER_COMMAND_TO_MEMORY = 0x08,

    MASTER_STATUS_ACTIVE = 0x01,
    MASTER_STATUS_ERROR = 0x02,     // written with 1: cleared
    MASTER_STATUS_INTERRUPT = 0x04, // the same
    MASTER_STATUS_KEPT = 0x60,      // "drive can do DMA", set by firmware

    MASTER_LAST_ENTRY = 0x8000,
};
