// See machine.h.
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "boot/loader/acpi.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/registers.h"
#include "tests/host/kernel_hardware/check.h"
#include "tests/host/kernel_hardware/machine.h"

enum { MMIO_NS = 400, TSC_NS = 7, UPDATE_NS = 1984000, PM_TIMER_HZ = 3579545 };

struct machine machine;
struct pic_model pics[2];
uint8_t edge_level[2];
uint32_t redirections[2][2 * 24];

static uint8_t hpet_area[0x400], ioapic_areas[2][0x20];
static uint32_t ioapic_select[2], hpet_enabled;
static uint8_t cmos_index;
static unsigned __int128 pit_start;
static uint16_t pit_latch;
static unsigned pit_latched_reads, pit_writes;
static bool pit_gate;

static void pass(uint64_t nanoseconds) {
    machine.time += nanoseconds;
    if (machine.stall_length && machine.time >= machine.stall_at) {
        machine.time += machine.stall_length;
        machine.stall_length = 0;
    }
}

static uint64_t counter(uint64_t frequency) {
    return machine.counters_stuck ? 42 : (uint64_t)(machine.time * frequency / 1000000000);
}

uint64_t tsc_read(void) {
    pass(TSC_NS);
    return (uint64_t)(machine.time * machine.tsc_frequency / 1000000000);
}

bool rdrand_try(uint64_t *value) {
    return *value = counter(12345), true;
}

bool rdseed_try(uint64_t *value) {
    (void)value;
    return false;
}

static uint64_t pit_ticks(void) {
    return machine.counters_stuck || !pit_gate ? 0 : (uint64_t)((machine.time - pit_start) * PIT_HZ / 1000000000);
}

static uint8_t number_encode(unsigned value) {
    return (uint8_t)(machine.rtc_format & 4 ? value : value / 10 << 4 | value % 10);
}

static uint8_t cmos_read(uint8_t index) {
    uint64_t fraction = (uint64_t)(machine.time % 1000000000);
    time_t now = (time_t)(machine.rtc_start + (uint64_t)(machine.time / 1000000000));
    struct tm tm;
    gmtime_r(&now, &tm);
    unsigned year = (unsigned)tm.tm_year + 1900, hour = (unsigned)tm.tm_hour;
    if (index < 10 && fraction >= 1000000000 - UPDATE_NS)
        return 0; // while the update lasts the date is not to be relied on
    switch (index) {
    case 0:
        return number_encode((unsigned)tm.tm_sec);
    case 2:
        return number_encode((unsigned)tm.tm_min);
    case 4:
        return machine.rtc_format & 2 ? number_encode(hour)
                                      : (uint8_t)(number_encode(hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0));
    case 7:
        return number_encode((unsigned)tm.tm_mday);
    case 8:
        return number_encode((unsigned)tm.tm_mon + 1);
    case 9:
        return number_encode(year % 100);
    case 0x32:
        return number_encode(year / 100);
    case 0x0a:
        return fraction >= 1000000000 - UPDATE_NS - 244000 ? 0xa6 : 0x26;
    case 0x0b:
        return machine.rtc_format;
    }
    CHECK(!"a CMOS register that the kernel reads");
    return 0;
}

uint8_t port_read8(uint16_t port) {
    pass(machine.port_time);
    switch (port) {
    case 0x20:
    case 0xa0:
        CHECK(pics[port >> 7].read_in_service);
        return pics[port >> 7].in_service;
    case 0x42:
        CHECK(pit_latched_reads < 2);
        return (uint8_t)(pit_latch >> 8 * pit_latched_reads++);
    case 0x61:
        return (uint8_t)(pit_gate | (pit_ticks() >= 0xffff ? 0x20 : 0));
    case 0x71:
        return cmos_read(cmos_index);
    case 0x4d0:
    case 0x4d1:
        return edge_level[port - 0x4d0];
    }
    CHECK(!"a port that the kernel reads");
    return 0;
}

uint32_t port_read32(uint16_t port) {
    pass(machine.port_time);
    CHECK(port == 0x608);
    return counter(PM_TIMER_HZ) & 0xffffff;
}

static void pic_command(struct pic_model *pic, uint8_t value) {
    if (value & 0x10) {
        *pic = (struct pic_model){.initialize_step = 1, .mask = 0};
    } else if (value == 0x0b) {
        pic->read_in_service = true;
    } else {
        CHECK(value == 0x20 && pic->in_service); // an end of interrupt that nobody is owed is a mistake
        pic->in_service &= (uint8_t)(pic->in_service - 1);
    }
}

static void pic_data(struct pic_model *pic, uint8_t value) {
    switch (pic->initialize_step) {
    case 0:
        pic->mask = value;
        return;
    case 1:
        pic->vector_base = value;
        break;
    case 2:
        CHECK(value == (pic == &pics[0] ? 4 : 2));
        break;
    case 3:
        CHECK(value == 1);
        break;
    }
    pic->initialize_step = (uint8_t)((pic->initialize_step + 1) % 4);
}

void port_write8(uint16_t port, uint8_t value) {
    pass(machine.port_time);
    switch (port) {
    case 0x20:
    case 0xa0:
        pic_command(&pics[port >> 7], value);
        return;
    case 0x21:
    case 0xa1:
        pic_data(&pics[port >> 7], value);
        return;
    case 0x42:
        CHECK(value == 0xff);
        if (++pit_writes == 2)
            pit_start = machine.time;
        return;
    case 0x43:
        CHECK(value == 0xb0 || value == 0x80);
        if (value == 0xb0)
            pit_writes = 0;
        pit_latch = (uint16_t)(0xffff - pit_ticks());
        pit_latched_reads = 0;
        return;
    case 0x61:
        pit_gate = value & 1;
        return;
    case 0x70:
        CHECK(!(value & 0x80)); // would switch NMIs off
        cmos_index = value;
        return;
    case 0x4d0:
    case 0x4d1:
        edge_level[port - 0x4d0] = value;
        return;
    }
    CHECK(!"a port that the kernel writes");
}

const void *firmware_map(uint64_t physical, uint64_t length) {
    CHECK(length == 0x400);
    return physical == 0xfed00000 ? hpet_area : NULL;
}

void *kernel_map_device(uint64_t physical) {
    if (physical == 0xfec00000 || physical == 0xfec01000)
        return ioapic_areas[physical == 0xfec01000];
    return NULL;
}

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    pass(MMIO_NS);
    if (base == hpet_area) {
        CHECK(offset == 0x04 || offset == 0x10 || (offset == 0xf0 && hpet_enabled));
        return offset == 0x04 ? 10000000 : offset == 0x10 ? 2 : (uint32_t)counter(100000000);
    }
    unsigned number = base == ioapic_areas[1];
    CHECK(offset == 0x10);
    uint32_t index = ioapic_select[number];
    return index == 1 ? 23 << 16 | 0x11 : redirections[number][index - 0x10];
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    pass(MMIO_NS);
    if (base == hpet_area) {
        CHECK(offset == 0x10 && value == 1);
        hpet_enabled = 1;
        return;
    }
    unsigned number = base == ioapic_areas[1];
    if (offset == 0) {
        ioapic_select[number] = value;
        return;
    }
    CHECK(offset == 0x10 && ioapic_select[number] >= 0x10 && ioapic_select[number] < 0x40);
    redirections[number][ioapic_select[number] - 0x10] = value;
}

void machine_reset(struct acpi_information *acpi) {
    machine = (struct machine){.tsc_frequency = 1000000000, .port_time = 700, .rtc_format = 2};
    memset(pics, 0, sizeof pics);
    memset(edge_level, 0, sizeof edge_level);
    memset(redirections, 0, sizeof redirections);
    hpet_enabled = 0;
    *acpi = (struct acpi_information){.flags = ACPI_HAS_HPET, .hpet_address = 0xfed00000, .ioapic_count = 2};
    acpi->pm_timer = (struct acpi_register){.address = 0x608, .space = 1};
    acpi->ioapics[0] = (struct acpi_ioapic){.address = 0xfec00000};
    acpi->ioapics[1] = (struct acpi_ioapic){.address = 0xfec01000, .gsi_base = 24};
    for (uint32_t line = 0; line < ACPI_ISA_LINES; line++)
        acpi->isa_lines[line].gsi = line;
}

static int acknowledge(uint32_t line, bool still_there) {
    struct pic_model *pic = &pics[line / 8];
    if (pic->mask >> line % 8 & 1 || (line >= 8 && (pics[0].mask >> 2 & 1)))
        return -1;
    if (line >= 8)
        pics[0].in_service |= 1 << 2;
    if (!still_there)
        return pic->vector_base + 7;
    pic->in_service |= (uint8_t)(1 << line % 8);
    return pic->vector_base + (int)(line % 8);
}

int machine_interrupt(uint32_t line) {
    return acknowledge(line, true);
}

int machine_interrupt_vanishing(uint32_t line) {
    return acknowledge(line, false);
}
