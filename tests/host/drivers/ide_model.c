// See ide_model.h. Registers by ATA/ATAPI-7 and Bus Master IDE 1.0, written from those, not from the driver.
#include "tests/host/drivers/ide_model.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/framework/port.h"

struct ide ide;

enum phase { PHASE_NONE, PHASE_DMA, PHASE_READ, PHASE_WRITE, PHASE_FLUSH, PHASE_STUCK };

static struct {
    uint8_t count[2], low[2], mid[2], high[2]; // [0]: the latest
    uint8_t device, status, error, control;
    uint8_t master_command, master_status;
    uint32_t table;
    enum phase phase;
    bool write, pending; // pending: ide_step has something to do
    uint64_t sector;
    uint32_t left, position; // sectors; words of the present one
    uint16_t data[256];
} r;

void ide_reset_model(void) {
    memset(&r, 0, sizeof(r));
    r.status = 0x50;
}

static struct ide_disk *disk(void) {
    return &ide.disks[r.device >> 4 & 1];
}

static void raise_interrupt(bool heard) {
    if (heard && (r.control & 2) == 0) {
        ide.interrupt = true;
        r.master_status |= 4;
    }
}

static void end_command(uint8_t status, uint8_t error, bool heard) {
    r.phase = PHASE_NONE;
    r.pending = false;
    r.status = status;
    r.error = error;
    raise_interrupt(heard);
}

static void signature(void) {
    r.count[0] = r.low[0] = 1;
    r.mid[0] = disk()->packet ? 0x14 : 0;
    r.high[0] = disk()->packet ? 0xeb : 0;
    r.status = disk()->packet ? 0 : 0x50;
}

static void identify(void) {
    memset(r.data, 0, sizeof(r.data));
    uint32_t sectors = IDE_SECTORS;
    memcpy(&r.data[27], "oMed lDM I K", 12);
    for (int i = 33; i < 47; i++)
        r.data[i] = 0x2020;
    r.data[49] = 0x300;
    r.data[60] = (uint16_t)sectors;
    r.data[61] = (uint16_t)(sectors >> 16);
    r.data[83] = disk()->short_only ? 0x5000 : 0x7400;
    r.data[100] = disk()->short_only ? 0 : (uint16_t)sectors;
    r.status = 0x58;
    r.phase = PHASE_READ;
    r.left = 1;
    r.position = 0;
    r.pending = false;
}

static void begin(enum phase phase, bool write, bool wide) {
    r.sector = r.low[0] | (uint64_t)r.mid[0] << 8 | (uint64_t)r.high[0] << 16;
    r.left = r.count[0];
    if (wide) {
        r.sector |= (uint64_t)r.low[1] << 24 | (uint64_t)r.mid[1] << 32 | (uint64_t)r.high[1] << 40;
        r.left |= (uint32_t)r.count[1] << 8;
        r.left = r.left == 0 ? 65536 : r.left;
    } else {
        r.sector |= (uint64_t)(r.device & 15) << 24;
        r.left = r.left == 0 ? 256 : r.left;
    }
    ide.commands++;
    ide.dma_commands += phase == PHASE_DMA;
    if (r.left > ide.largest)
        ide.largest = r.left;
    if (wide && disk()->short_only)
        ide.violations++;
    r.phase = phase;
    r.write = write;
    r.position = 0;
    r.pending = true;
    r.status = 0x80;
    if (r.sector + r.left > IDE_SECTORS)
        end_command(0x51, 0x10, true);
    else if (phase == PHASE_WRITE) {
        r.status = 0x58; // asks for the first sector without an interrupt
        r.pending = false;
    }
}

static void command(uint8_t code) {
    if (r.phase != PHASE_NONE || (r.status & 0x80) != 0 || (r.master_command & 1) != 0 || !disk()->present)
        ide.violations++;
    r.error = 0;
    switch (code) {
    case 0xec:
        identify();
        return;
    case 0x20:
        begin(PHASE_READ, false, false);
        return;
    case 0x24:
        begin(PHASE_READ, false, true);
        return;
    case 0x30:
        begin(PHASE_WRITE, true, false);
        return;
    case 0x34:
        begin(PHASE_WRITE, true, true);
        return;
    case 0xc8:
        begin(PHASE_DMA, false, false);
        return;
    case 0x25:
        begin(PHASE_DMA, false, true);
        return;
    case 0xca:
        begin(PHASE_DMA, true, false);
        return;
    case 0x35:
        begin(PHASE_DMA, true, true);
        return;
    case 0xe7:
    case 0xea:
        r.phase = PHASE_FLUSH;
        r.status = 0x80;
        r.pending = true;
        return;
    default:
        end_command(0x51, 0x04, true);
        return;
    }
}

// A byte of what DMA can reach; NULL: nothing is there.
static uint8_t *physical_byte(uint64_t address) {
    if (address - ide.dma_physical < ide.dma_length)
        return ide.dma + (address - ide.dma_physical);
    for (int i = 0; i < IDE_BUFFER_PAGES; i++)
        if (address - ide.page_physical[i] < 4096)
            return &ide.pages[i][address - ide.page_physical[i]];
    return NULL;
}

static void dma_transfer(void) {
    uint32_t bytes = r.left * IDE_SECTOR_BYTES, moved = 0;
    for (uint32_t entry = 0; moved < bytes; entry++) {
        uint32_t words[2];
        if (entry == 512 || physical_byte(r.table + entry * 8) == NULL) {
            ide.violations++;
            return;
        }
        memcpy(words, physical_byte(r.table + entry * 8), 8);
        uint32_t length = words[1] & 0xffff;
        length = length == 0 ? 65536 : length;
        if ((words[0] & 1) != 0 || (words[0] & 0xffff) + length > 65536)
            ide.violations++;
        for (uint32_t i = 0; i < length && moved < bytes;) {
            uint8_t *memory = physical_byte(words[0] + (uint64_t)i);
            if (memory == NULL) {
                ide.violations++;
                return;
            }
            uint8_t *media = &disk()->content[r.sector * IDE_SECTOR_BYTES + moved];
            memcpy(r.write ? media : memory, r.write ? memory : media, 512);
            i += 512;
            moved += 512;
        }
        if (words[1] >> 31 != 0 && moved < bytes) {
            ide.violations++;
            return;
        }
        if (moved == bytes && words[1] >> 31 == 0)
            ide.violations++; // a table that goes on behind the transfer
    }
}

static bool step_dma(enum ide_fate fate) {
    if ((r.master_command & 1) == 0 || ((r.master_command & 8) != 0) == r.write)
        return false; // not started, or in the wrong direction
    if (fate == IDE_DMA_FAIL) {
        r.master_status = (uint8_t)((r.master_status & ~1) | 2);
        end_command(0x51, 0x84, true);
        return true;
    }
    dma_transfer();
    r.master_status &= (uint8_t)~1;
    end_command(0x50, 0, fate != IDE_SILENT);
    return true;
}

bool ide_step(void) {
    if (!r.pending)
        return false;
    enum ide_fate fate = ide.fate != NULL && r.phase != PHASE_FLUSH && r.phase != PHASE_STUCK
                             ? ide.fate(r.sector, r.left, r.phase == PHASE_DMA, r.write)
                             : IDE_GOOD;
    if (r.phase == PHASE_STUCK)
        return false;
    if (fate == IDE_STUCK) {
        r.phase = PHASE_STUCK;
        return false;
    }
    if (fate == IDE_FAIL) {
        r.master_status &= (uint8_t)~1;
        end_command(0x51, 0x40, true);
        return true;
    }
    if (r.phase == PHASE_DMA)
        return step_dma(fate);
    r.pending = false;
    if (r.phase == PHASE_FLUSH) {
        disk()->flushes++;
        end_command(0x50, 0, true);
    } else if (r.phase == PHASE_READ) {
        memcpy(r.data, &disk()->content[r.sector * IDE_SECTOR_BYTES], IDE_SECTOR_BYTES);
        r.status = 0x58;
        r.position = 0;
        raise_interrupt(fate != IDE_SILENT);
    } else if (r.left == 0) {
        end_command(0x50, 0, fate != IDE_SILENT);
    } else {
        r.status = 0x58;
        r.position = 0;
        raise_interrupt(fate != IDE_SILENT);
    }
    return true;
}

void port_read_words(uint16_t port, void *to, uint32_t count) {
    if (port != IDE_BASE || count != 256 || r.phase != PHASE_READ || (r.status & 8) == 0) {
        ide.violations++;
        return;
    }
    memcpy(to, r.data, sizeof(r.data));
    r.sector++;
    r.status = --r.left != 0 ? 0x80 : 0x50;
    r.pending = r.left != 0;
    if (r.left == 0)
        r.phase = PHASE_NONE;
}

void port_write_words(uint16_t port, const void *from, uint32_t count) {
    if (port != IDE_BASE || count != 256 || r.phase != PHASE_WRITE || (r.status & 8) == 0 || r.left == 0) {
        ide.violations++;
        return;
    }
    memcpy(&disk()->content[r.sector++ * IDE_SECTOR_BYTES], from, IDE_SECTOR_BYTES);
    r.left--;
    r.status = 0x80;
    r.pending = true;
}

static void shift(uint8_t pair[2], uint8_t value) {
    pair[1] = pair[0];
    pair[0] = value;
}

void port_write8(uint16_t port, uint8_t value) {
    if (port > IDE_BASE && port < IDE_BASE + 7 && disk()->present && (r.status & 0x80) != 0)
        return; // a busy disk takes nothing
    switch (port) {
    case IDE_BASE + 1:
        return;
    case IDE_BASE + 2:
        shift(r.count, value);
        return;
    case IDE_BASE + 3:
        shift(r.low, value);
        return;
    case IDE_BASE + 4:
        shift(r.mid, value);
        return;
    case IDE_BASE + 5:
        shift(r.high, value);
        return;
    case IDE_BASE + 6:
        r.device = value;
        return;
    case IDE_BASE + 7:
        command(value);
        return;
    case IDE_CONTROL:
        if ((value & 4) != 0 && (r.control & 4) == 0) {
            ide.resets++;
            ide_reset_model();
            ide.interrupt = false;
            r.status = 0x80;
        } else if ((value & 4) == 0 && (r.control & 4) != 0) {
            signature();
        }
        r.control = value;
        return;
    case IDE_MASTER:
        r.master_command = value;
        r.master_status = (uint8_t)((r.master_status & ~1) | ((value & 1) != 0 && r.phase == PHASE_DMA));
        return;
    case IDE_MASTER + 2:
        r.master_status &= (uint8_t) ~(value & 6);
        return;
    default:
        ide.violations++;
        return;
    }
}

uint8_t port_read8(uint16_t port) {
    switch (port) {
    case IDE_BASE + 1:
        return r.error;
    case IDE_BASE + 2:
        return disk()->present || disk()->packet ? r.count[0] : 0;
    case IDE_BASE + 3:
        return disk()->present || disk()->packet ? r.low[0] : 0;
    case IDE_BASE + 4:
        return disk()->packet ? 0x14 : r.mid[0];
    case IDE_BASE + 5:
        return disk()->packet ? 0xeb : r.high[0];
    case IDE_BASE + 7:
        ide.interrupt = false; // then as the other one
        __attribute__((fallthrough));
    case IDE_CONTROL:
        return disk()->packet ? 0 : disk()->present ? r.status : 0;
    case IDE_MASTER:
        return r.master_command;
    case IDE_MASTER + 2:
        return r.master_status;
    default:
        ide.violations++;
        return 0xff;
    }
}

void port_write32(uint16_t port, uint32_t value) {
    if (port == IDE_MASTER + 4)
        r.table = value;
    else
        ide.violations++;
}

// The kernel's memory object behind the client's buffer.
error_t memory_physical(cap_t memory, uint64_t offset, uint64_t *address, uint64_t *contiguous);
error_t memory_read(cap_t memory, uint64_t offset, void *data, uint64_t data_size, uint64_t *count);
error_t memory_write(cap_t memory, uint64_t offset, const void *data, uint64_t data_size, uint64_t *count);

error_t memory_physical(cap_t memory, uint64_t offset, uint64_t *address, uint64_t *contiguous) {
    if (memory != IDE_BUFFER_CAP || offset % 4096 != 0 || offset / 4096 >= IDE_BUFFER_PAGES)
        return ERR_INVALID;
    *address = ide.page_physical[offset / 4096];
    *contiguous = 4096;
    return *address == 0 ? ERR_PAGE_MISSING : ERR_OK;
}

error_t memory_read(cap_t memory, uint64_t offset, void *data, uint64_t data_size, uint64_t *count) {
    if (memory != IDE_BUFFER_CAP)
        return ERR_BAD_CAPABILITY;
    memcpy(data, &ide.pages[0][0] + offset, data_size);
    *count = data_size;
    return ERR_OK;
}

error_t memory_write(cap_t memory, uint64_t offset, const void *data, uint64_t data_size, uint64_t *count) {
    if (memory != IDE_BUFFER_CAP)
        return ERR_BAD_CAPABILITY;
    memcpy(&ide.pages[0][0] + offset, data, data_size);
    *count = data_size;
    return ERR_OK;
}
