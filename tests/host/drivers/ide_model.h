// An IDE channel with two disks and a bus master, as far as the driver can tell, and the memory around it.
// Work takes place in ide_step, so that a test decides when, and whether, a command ends. Faults are switched
// on by the test.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

enum {
    IDE_BASE = 0x1f0,
    IDE_CONTROL = 0x3f6,
    IDE_MASTER = 0xc040,
    IDE_SECTORS = 8192, // of each disk
    IDE_SECTOR_BYTES = 512,
    IDE_BUFFER_PAGES = 512, // of the one client buffer
    IDE_BUFFER_CAP = 77,
};

enum ide_fate {
    IDE_GOOD,
    IDE_FAIL,     // aborted with an error
    IDE_DMA_FAIL, // the bus master reports an error; PIO works
    IDE_SILENT,   // done, but without an interrupt
    IDE_STUCK,    // busy until the channel is reset
};

struct ide_disk {
    bool present, packet, short_only; // short_only: no 48-bit commands
    uint8_t content[IDE_SECTORS * IDE_SECTOR_BYTES];
    uint32_t flushes;
};

struct ide {
    struct ide_disk disks[2];
    uint8_t *dma; // the driver's memory: table and bounce buffer, at physical address `dma_physical`
    uint64_t dma_physical, dma_length;
    uint8_t pages[IDE_BUFFER_PAGES][4096]; // the client's buffer
    uint64_t page_physical[IDE_BUFFER_PAGES];
    bool interrupt;
    uint32_t commands, dma_commands, resets, largest; // largest: sectors of one command
    uint32_t violations;                              // things that a real controller would not forgive
    // Decides about each command, and each sector of one by PIO.
    enum ide_fate (*fate)(uint64_t sector, uint32_t count, bool dma, bool write);
    uint64_t now; // nanoseconds
};

extern struct ide ide;

void ide_reset_model(void);
// Does what the device has to do next; false: nothing.
bool ide_step(void);
