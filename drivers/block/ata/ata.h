// Channels and disks of the ata driver. A channel works on one command at a time; a command is a chain of
// neighbouring requests of one disk, done in steps: as much as one transfer takes. Invariant: while the state
// is not CHANNEL_IDLE, command.io is the request that the step under way begins in, and exactly one event
// (interrupt, timer) is awaited.
#pragma once

#include "drivers/block/service/queue.h"
#include "drivers/block/service/service.h"
#include "libipc/server/timer.h"

enum {
    ATA_TABLE_BYTES = 4096,
    ATA_TABLE_ENTRIES = ATA_TABLE_BYTES / 8,
    ATA_BOUNCE_BYTES = 60 * 1024, // with the table one 64 KiB piece, which DMA does not cross
    ATA_BOUNCE_SECTORS = ATA_BOUNCE_BYTES / SECTOR_BYTES,
    ATA_SHORT_SECTORS = 256, // of a command with 28-bit addresses
    ATA_IDENTIFY_WORDS = 256,
};

enum channel_state {
    CHANNEL_IDLE,
    CHANNEL_DMA,       // waits for the transfer's end
    CHANNEL_PIO_READ,  // waits for the next sector
    CHANNEL_PIO_WRITE, // waits for room for the next sector, or the end
    CHANNEL_FLUSH,
    CHANNEL_RESET,   // the reset line is held
    CHANNEL_RECOVER, // waits for the disks to be ready after it
    CHANNEL_DEAD,    // they were not: every request fails
};

enum channel_outcome {
    OUTCOME_NOTHING,  // not for this channel, or not yet
    OUTCOME_PROGRESS, // a sector was moved, more to come
    OUTCOME_DONE,     // the step is done
    OUTCOME_FAILED,
};

struct ata_channel;

struct ata_disk {
    struct block_disk block;
    struct ata_channel *channel;
    uint32_t index;       // 0: master, 1: slave
    bool present, packet; // packet: an ATAPI device, left alone
    bool lba48, dma, flush, flush_ext;
    uint32_t dma_failures; // steps that only PIO could do
    struct block_queue queue;
};

struct ata_command {
    struct ata_disk *disk;
    struct block_io *io; // first not done, linked by `next`
    uint32_t io_done;    // sectors of it that are done
    uint32_t operation;
    uint32_t step;     // sectors of the step under way
    uint32_t moved;    // by PIO, of the step
    uint32_t attempts; // of this step that failed
    bool pio;          // DMA has failed for it
    bool bounced;      // through the bounce buffer
    bool split;        // no step goes past the end of a request, so that errors hit only the one that they belong to
};

struct ata_channel {
    uint16_t base, control, master; // ports; master 0: no DMA
    uint32_t number;
    enum channel_state state;
    enum channel_outcome outcome;
    uint8_t status, error, master_status; // as the last event found them
    bool has_selected;
    uint32_t selected; // disk that the device register names
    uint32_t next;     // disk whose turn it is
    struct ata_disk disks[2];
    struct ata_command command;
    struct block_io *finished; // to be told, with their status in `sequence`
    uint32_t *table;           // physical region descriptors
    uint8_t *bounce;
    uint64_t table_physical, bounce_physical;
    struct timer timer;
    uint64_t started, recover_until; // nanoseconds
    uint64_t lost_interrupts;
};

// channel.c. A disk's submit and kick.
void channel_submit(struct block_disk *disk, struct block_io *io);
void channel_kick(struct block_disk *disk);
// An interrupt in two halves: collect takes it back from the device (then the line may be acknowledged),
// proceed acts on it: starts what is next, then ends requests. False: the device has none for the step under way.
bool channel_collect(struct ata_channel *channel);
void channel_proceed(struct ata_channel *channel);

// command.c: the registers.
// False: the disk does not get ready for a command.
MUST_USE bool command_select(struct ata_channel *channel, const struct ata_disk *disk);
void command_dma(struct ata_channel *channel, uint64_t sector, uint32_t count, bool write);
void command_pio(struct ata_channel *channel, uint64_t sector, uint32_t count, bool write);
void command_flush(struct ata_channel *channel);
void command_stop_dma(struct ata_channel *channel);

// transfer.c: between requests and what the device reaches.
// Describes the next step's memory; *sectors: how far it goes, 0 if the device can't reach its first page.
MUST_USE error_t transfer_table(struct ata_channel *channel, uint32_t most, uint32_t *sectors);
void transfer_table_bounce(struct ata_channel *channel, uint32_t sectors);
// Copies the step's bytes between the bounce buffer and the current request's memory.
MUST_USE error_t transfer_to_bounce(struct ata_channel *channel, uint32_t sectors);
MUST_USE error_t transfer_from_bounce(struct ata_channel *channel, uint32_t sectors);

// probe.c: before the loop runs, by polling. `pause` lets time pass, in nanoseconds.
void probe_channel(struct ata_channel *channel, void (*pause)(uint64_t nanoseconds));
MUST_USE error_t probe_read_sector(void *disk, uint64_t sector, void *to); // a partition_reader
// identify.c: fills the disk from IDENTIFY's 256 words. ERR_NOT_SUPPORTED: it can't be driven.
MUST_USE error_t identify_parse(struct ata_disk *disk, const uint16_t *words);

// error.c: says what failed, to the log.
void error_report(const struct ata_channel *channel, const char *what);
