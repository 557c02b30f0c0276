// A channel's state machine. Interrupts and a slow timer drive it; nothing here waits. A step that fails is
// tried again by DMA, then by PIO, then its request ends with ERR_IO and the next one goes on; a channel that
// does not answer is reset. A second without the expected interrupt makes the timer look whether the device
// has finished silently.
#include "drivers/block/ata/ata.h"

#include <stddef.h>

#include "drivers/block/ata/registers.h"
#include "drivers/framework/port.h"
#include "drivers/framework/report.h"
#include "libipc/client/clock.h"

enum { ATTEMPTS_MOST = 3, DMA_FAILURES_MOST = 3, FIRST_DATA_POLLS = 20000 };
#define SECOND        UINT64_C(1000000000)
#define MILLISECOND   (SECOND / 1000)
#define TICK          SECOND
#define STEP_LIMIT    (10 * SECOND)
#define FLUSH_LIMIT   (30 * SECOND)
#define RECOVER_LIMIT (31 * SECOND)

static void timer_expired(struct timer *timer);
static void run(struct ata_channel *channel);

static uint8_t read_register(const struct ata_channel *channel, uint32_t number) {
    return port_read8((uint16_t)(channel->base + number));
}

// Takes the first request out of the command; it is told of its end by finish_told, after the device has its
// next work.
static void io_end(struct ata_channel *channel, error_t status) {
    struct ata_command *command = &channel->command;
    struct block_io *io = command->io, **place = &channel->finished;
    command->io = io->next;
    command->io_done = 0;
    command->attempts = 0;
    command->pio = false;
    io->sequence = (uint64_t)(int64_t)status;
    io->next = NULL;
    while (*place != NULL)
        place = &(*place)->next;
    *place = io;
}

static void finish_told(struct ata_channel *channel) {
    while (channel->finished != NULL) {
        struct block_io *io = channel->finished;
        channel->finished = io->next;
        io->next = NULL;
        io->done(io, (error_t)io->sequence);
    }
}

// The next command: a request and those that go on where it ends. Disks take turns.
static bool command_take(struct ata_channel *channel) {
    for (uint32_t i = 0; i < 2; i++) {
        struct ata_disk *disk = &channel->disks[(channel->next + i) % 2];
        struct block_io *io = block_queue_take(&disk->queue);
        if (io == NULL)
            continue;
        channel->next = disk->index + 1;
        channel->command = (struct ata_command){.disk = disk, .io = io, .operation = io->operation};
        if (io->operation == BLOCK_OPERATION_FLUSH)
            return true;
        for (uint32_t total = io->count; total < BLOCK_IO_SECTORS_MAX; total += io->count) {
            struct block_io *more =
                block_queue_take_at(&disk->queue, io->sector + io->count, io->operation, BLOCK_IO_SECTORS_MAX - total);
            if (more == NULL)
                break;
            io->next = more;
            io = more;
        }
        return true;
    }
    return false;
}

static void reset_begin(struct ata_channel *channel) {
    command_stop_dma(channel);
    port_write8(channel->control, ATA_CONTROL_RESET);
    channel->has_selected = false;
    channel->state = CHANNEL_RESET;
    timer_set(&channel->timer, clock_monotonic() + MILLISECOND, timer_expired);
}

static void await(struct ata_channel *channel, enum channel_state state) {
    channel->state = state;
    channel->started = clock_monotonic();
    if (!channel->timer.armed)
        timer_set(&channel->timer, channel->started + TICK, timer_expired);
}

static error_t start_dma(struct ata_channel *channel, uint32_t most) {
    struct ata_command *command = &channel->command;
    bool write = command->operation == BLOCK_OPERATION_WRITE;
    error_t error = transfer_table(channel, most, &command->step);
    if (error != ERR_OK)
        return error;
    command->bounced = command->step == 0;
    if (command->bounced) {
        uint32_t left = command->io->count - command->io_done;
        command->step = left < ATA_BOUNCE_SECTORS ? left : ATA_BOUNCE_SECTORS;
        if (write && (error = transfer_to_bounce(channel, command->step)) != ERR_OK)
            return error;
        transfer_table_bounce(channel, command->step);
    }
    await(channel, CHANNEL_DMA);
    command_dma(channel, command->io->sector + command->io_done, command->step, write);
    return ERR_OK;
}

static void write_sector(struct ata_channel *channel) {
    struct ata_command *command = &channel->command;
    const uint8_t *from = channel->bounce + (size_t)command->moved * SECTOR_BYTES;
    command->moved++;
    port_write_words((uint16_t)(channel->base + ATA_DATA), from, SECTOR_BYTES / 2);
}

static error_t start_pio(struct ata_channel *channel) {
    struct ata_command *command = &channel->command;
    bool write = command->operation == BLOCK_OPERATION_WRITE;
    uint32_t left = command->io->count - command->io_done;
    command->step = left < ATA_BOUNCE_SECTORS ? left : ATA_BOUNCE_SECTORS;
    command->moved = 0;
    command->bounced = true;
    error_t error = write ? transfer_to_bounce(channel, command->step) : ERR_OK;
    if (error != ERR_OK)
        return error;
    await(channel, write ? CHANNEL_PIO_WRITE : CHANNEL_PIO_READ);
    command_pio(channel, command->io->sector + command->io_done, command->step, write);
    if (!write)
        return ERR_OK;
    for (uint32_t i = 0; i < FIRST_DATA_POLLS; i++) { // the first sector is asked for without an interrupt
        channel->status = port_read8(channel->control);
        if ((channel->status & ATA_STATUS_BUSY) == 0)
            break;
    }
    if ((channel->status & ATA_STATUS_BUSY) == 0 && (channel->status & ATA_STATUS_DATA_REQUEST) != 0)
        write_sector(channel);
    return ERR_OK; // otherwise an interrupt with an error comes, or the timer
}

// Starts the next step. On an error of the client's memory nothing was started.
static error_t step_start(struct ata_channel *channel) {
    struct ata_command *command = &channel->command;
    if (!command_select(channel, command->disk)) {
        command->step = 0;
        error_report(channel, "the disk stays busy, it is reset");
        if (++command->attempts >= ATTEMPTS_MOST)
            return ERR_IO;
        reset_begin(channel);
        return ERR_OK;
    }
    if (command->operation == BLOCK_OPERATION_FLUSH) {
        if (!command->disk->flush)
            return ERR_OK;
        await(channel, CHANNEL_FLUSH);
        command_flush(channel);
        return ERR_OK;
    }
    if (!command->disk->dma || command->pio)
        return start_pio(channel);
    return start_dma(channel, command->disk->lba48 ? BLOCK_IO_SECTORS_MAX : ATA_SHORT_SECTORS);
}

// Gives the channel work until it waits for an event, or there is none left.
static void run(struct ata_channel *channel) {
    struct ata_command *command = &channel->command;
    channel->state = CHANNEL_IDLE;
    while (command->io != NULL || command_take(channel)) {
        error_t error = step_start(channel);
        if (error == ERR_OK && channel->state != CHANNEL_IDLE)
            return;
        io_end(channel, error); // ERR_OK: nothing to be done, as for a flush without a cache
    }
}

static void dma_fallback_count(struct ata_disk *disk) {
    if (++disk->dma_failures != DMA_FAILURES_MOST)
        return;
    disk->dma = false;
    struct text text = {0};
    text_add(&text, block_service.prefix);
    text_add_number(&text, disk->block.number);
    text_add(&text, ": DMA keeps failing where PIO works; it is no longer used");
    report(REPORT_WARNING, &text);
}

// The step's sectors are done: ends requests that are complete.
static void step_done(struct ata_channel *channel) {
    struct ata_command *command = &channel->command;
    if (command->operation == BLOCK_OPERATION_FLUSH) {
        io_end(channel, ERR_OK);
        return;
    }
    if (command->bounced && command->operation == BLOCK_OPERATION_READ) {
        error_t error = transfer_from_bounce(channel, command->step);
        if (error != ERR_OK) {
            io_end(channel, error);
            return;
        }
    }
    if (command->pio && command->disk->dma)
        dma_fallback_count(command->disk);
    command->pio = false;
    command->attempts = 0;
    for (uint32_t left = command->step; left != 0;) {
        uint32_t of_io = command->io->count - command->io_done;
        if (left < of_io) {
            command->io_done += left;
            return;
        }
        left -= of_io;
        io_end(channel, ERR_OK);
    }
}

static void step_failed(struct ata_channel *channel, bool reset, const char *what) {
    struct ata_command *command = &channel->command;
    error_report(channel, what);
    bool shared = command->operation != BLOCK_OPERATION_FLUSH && command->step > command->io->count - command->io_done;
    if (shared) {
        command->split = true; // find out whose sector it is
    } else if (++command->attempts >= ATTEMPTS_MOST) {
        io_end(channel, ERR_IO);
    } else if (command->attempts == ATTEMPTS_MOST - 1) {
        command->pio = command->operation != BLOCK_OPERATION_FLUSH;
    }
    if (reset)
        reset_begin(channel);
    else
        run(channel);
}

static enum channel_outcome collect_dma(struct ata_channel *channel, bool silent) {
    channel->master_status = port_read8((uint16_t)(channel->master + MASTER_STATUS));
    if ((channel->master_status & MASTER_STATUS_INTERRUPT) == 0 && !silent)
        return OUTCOME_NOTHING;
    command_stop_dma(channel);
    channel->status = read_register(channel, ATA_STATUS);
    port_write8((uint16_t)(channel->master + MASTER_STATUS),
                (channel->master_status & MASTER_STATUS_KEPT) | MASTER_STATUS_ERROR | MASTER_STATUS_INTERRUPT);
    uint8_t bad = ATA_STATUS_BUSY | ATA_STATUS_FAULT | ATA_STATUS_DATA_REQUEST | ATA_STATUS_ERROR;
    if ((channel->status & bad) == 0 && (channel->master_status & MASTER_STATUS_ERROR) == 0)
        return OUTCOME_DONE;
    channel->error = read_register(channel, ATA_ERROR);
    return OUTCOME_FAILED;
}

static enum channel_outcome collect_status(struct ata_channel *channel) {
    channel->master_status = 0;
    channel->status = read_register(channel, ATA_STATUS);
    if ((channel->status & ATA_STATUS_BUSY) != 0)
        return OUTCOME_NOTHING;
    if ((channel->status & (ATA_STATUS_FAULT | ATA_STATUS_ERROR)) != 0) {
        channel->error = read_register(channel, ATA_ERROR);
        return OUTCOME_FAILED;
    }
    bool wants_data = (channel->status & ATA_STATUS_DATA_REQUEST) != 0;
    const struct ata_command *command = &channel->command;
    if (channel->state == CHANNEL_PIO_READ)
        return wants_data ? OUTCOME_PROGRESS : OUTCOME_NOTHING;
    if (channel->state == CHANNEL_PIO_WRITE && command->moved < command->step)
        return wants_data ? OUTCOME_PROGRESS : OUTCOME_NOTHING;
    return wants_data ? OUTCOME_FAILED : OUTCOME_DONE;
}

bool channel_collect(struct ata_channel *channel) {
    channel->outcome = OUTCOME_NOTHING;
    if (channel->state == CHANNEL_DMA)
        channel->outcome = collect_dma(channel, false);
    else if (channel->state == CHANNEL_PIO_READ || channel->state == CHANNEL_PIO_WRITE || channel->state == CHANNEL_FLUSH)
        channel->outcome = collect_status(channel);
    else
        (void)read_register(channel, ATA_STATUS);
    return channel->outcome != OUTCOME_NOTHING;
}

// One sector by PIO; true: the step is done. After the last sector of a read no interrupt comes.
static bool move_sector(struct ata_channel *channel) {
    struct ata_command *command = &channel->command;
    channel->started = clock_monotonic();
    if (channel->state == CHANNEL_PIO_WRITE) {
        write_sector(channel);
        return false;
    }
    port_read_words((uint16_t)(channel->base + ATA_DATA), channel->bounce + (size_t)command->moved * SECTOR_BYTES,
                    SECTOR_BYTES / 2);
    return ++command->moved == command->step;
}

void channel_proceed(struct ata_channel *channel) {
    enum channel_outcome outcome = channel->outcome;
    channel->outcome = OUTCOME_NOTHING;
    if (outcome == OUTCOME_PROGRESS && move_sector(channel))
        outcome = OUTCOME_DONE;
    if (outcome == OUTCOME_DONE) {
        step_done(channel);
        run(channel);
    } else if (outcome == OUTCOME_FAILED) {
        step_failed(channel, false, "");
    }
    finish_told(channel);
}

static void channel_dead(struct ata_channel *channel) {
    report_line(REPORT_ERROR, "a channel does not answer any more, its disks are given up");
    channel->state = CHANNEL_DEAD;
    do {
        while (channel->command.io != NULL)
            io_end(channel, ERR_IO);
    } while (command_take(channel));
}

static void recover(struct ata_channel *channel, uint64_t now) {
    channel->status = port_read8(channel->control);
    if ((channel->status & ATA_STATUS_BUSY) == 0) {
        (void)read_register(channel, ATA_STATUS);
        run(channel);
    } else if (now >= channel->recover_until) {
        channel_dead(channel);
    } else {
        timer_set(&channel->timer, now + 10 * MILLISECOND, timer_expired);
    }
}

// A second has passed: has the device finished without being heard, or for too long not at all?
static void look(struct ata_channel *channel, uint64_t now) {
    if (now - channel->started < TICK) {
        timer_set(&channel->timer, channel->started + TICK, timer_expired);
        return;
    }
    uint8_t status = port_read8(channel->control);
    bool ended = (status & ATA_STATUS_BUSY) == 0;
    if (channel->state == CHANNEL_DMA) {
        uint8_t master = port_read8((uint16_t)(channel->master + MASTER_STATUS));
        ended = ended && ((master & MASTER_STATUS_INTERRUPT) != 0 || (master & MASTER_STATUS_ACTIVE) == 0);
        channel->outcome = ended ? collect_dma(channel, true) : OUTCOME_NOTHING;
    } else {
        channel->outcome = ended ? collect_status(channel) : OUTCOME_NOTHING;
    }
    if (channel->outcome != OUTCOME_NOTHING) {
        if (channel->lost_interrupts++ == 0)
            error_report(channel, "its interrupt was lost");
        channel_proceed(channel);
    } else if (now - channel->started >= (channel->state == CHANNEL_FLUSH ? FLUSH_LIMIT : STEP_LIMIT)) {
        step_failed(channel, true, "no answer in time, the channel is reset");
    }
    if (channel->state != CHANNEL_IDLE && channel->state != CHANNEL_DEAD && !channel->timer.armed)
        timer_set(&channel->timer, now + TICK, timer_expired);
}

static void timer_expired(struct timer *timer) {
    struct ata_channel *channel = (struct ata_channel *)((char *)timer - offsetof(struct ata_channel, timer));
    uint64_t now = clock_monotonic();
    switch (channel->state) {
    case CHANNEL_IDLE:
    case CHANNEL_DEAD:
        return;
    case CHANNEL_RESET:
        port_write8(channel->control, 0);
        channel->state = CHANNEL_RECOVER;
        channel->recover_until = now + RECOVER_LIMIT;
        timer_set(&channel->timer, now + 2 * MILLISECOND, timer_expired);
        return;
    case CHANNEL_RECOVER:
        recover(channel, now);
        break;
    default:
        look(channel, now);
        break;
    }
    finish_told(channel);
    block_service_flush();
}

void channel_submit(struct block_disk *block, struct block_io *io) {
    struct ata_disk *disk = (struct ata_disk *)((char *)block - offsetof(struct ata_disk, block));
    if (disk->channel->state == CHANNEL_DEAD)
        io->done(io, ERR_IO);
    else
        block_queue_add(&disk->queue, io);
}

void channel_kick(struct block_disk *block) {
    struct ata_channel *channel = ((struct ata_disk *)((char *)block - offsetof(struct ata_disk, block)))->channel;
    if (channel->state != CHANNEL_IDLE)
        return;
    run(channel);
    finish_told(channel);
}
