// See clock_counter.h. Every counter is read as 32 bits at most, so that no read can tear.
#include <stdbool.h>
#include <stddef.h>

#include "boot/loader/acpi.h"
#include "boot/loader/clock_counter.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/registers.h"

enum { HPET_PERIOD = 0x04, HPET_CONFIGURATION = 0x10, HPET_COUNTER = 0xf0 }; // registers
enum { HPET_ENABLE = 1 << 0, HPET_LEGACY_ROUTING = 1 << 1, HPET_PERIOD_MAX = 100000000 /* fs */ };

enum { PIT_CHANNEL_2 = 0x42, SPEAKER_PORT = 0x61 };
enum { PIT_LOAD_2_MODE_0 = 0xb0, PIT_LATCH_2 = 0x80 };
enum { SPEAKER_GATE = 1 << 0, SPEAKER_ON = 1 << 1, SPEAKER_OUTPUT = 1 << 5 }; // of channel 2

enum { PM_TIMER_HZ = 3579545 };
enum { SAMPLES = 8, STUCK_READS = 100000 };
enum { ERROR_SHARE = 20000, SPAN_SHARE = 20 }; // 50 parts per million; a 20th of a second

static void *hpet;
static uint16_t pm_timer_port;

static uint32_t hpet_read(void) {
    return mmio_read32(hpet, HPET_COUNTER);
}

const struct clock_counter *clock_counter_hpet(const struct acpi_information *acpi) {
    static struct clock_counter counter = {.name = "HPET", .read = hpet_read, .mask = 0xffffffff};
    if (!(acpi->flags & ACPI_HAS_HPET) || !(hpet = (void *)(uintptr_t)firmware_map(acpi->hpet_address, 0x400)))
        return NULL;
    uint32_t period = mmio_read32(hpet, HPET_PERIOD);
    if (period == 0 || period > HPET_PERIOD_MAX)
        return NULL;
    uint32_t configuration = mmio_read32(hpet, HPET_CONFIGURATION) & ~(uint32_t)HPET_LEGACY_ROUTING;
    mmio_write32(hpet, HPET_CONFIGURATION, configuration | HPET_ENABLE);
    counter.frequency = (1000000000000000 + period / 2) / period;
    return &counter;
}

static uint32_t pm_timer_read(void) {
    return port_read32(pm_timer_port);
}

const struct clock_counter *clock_counter_pm_timer(const struct acpi_information *acpi) {
    static struct clock_counter counter = {.name = "PM timer", .read = pm_timer_read, .frequency = PM_TIMER_HZ};
    if (acpi->pm_timer.space != 1 || acpi->pm_timer.address == 0 || acpi->pm_timer.address > 0xfffc)
        return NULL;
    pm_timer_port = (uint16_t)acpi->pm_timer.address;
    counter.mask = acpi->flags & ACPI_PM_TIMER_32 ? 0xffffffff : 0xffffff;
    return &counter;
}

static uint32_t pit_read(void) {
    port_write8(PIT_COMMAND, PIT_LATCH_2);
    uint32_t low = port_read8(PIT_CHANNEL_2);
    return 0xffff - (low | (uint32_t)port_read8(PIT_CHANNEL_2) << 8);
}

// Mode 0 counts down once from 65535 (55 ms) and then raises its output for good.
static void pit_restart(void) {
    uint8_t speaker = port_read8(SPEAKER_PORT);
    port_write8(SPEAKER_PORT, (speaker & (uint8_t)~SPEAKER_ON) | SPEAKER_GATE);
    port_write8(PIT_COMMAND, PIT_LOAD_2_MODE_0);
    port_write8(PIT_CHANNEL_2, 0xff);
    port_write8(PIT_CHANNEL_2, 0xff);
}

static bool pit_overrun(void) {
    return port_read8(SPEAKER_PORT) & SPEAKER_OUTPUT;
}

const struct clock_counter *clock_counter_pit(void) {
    static const struct clock_counter counter = {
        .name = "PIT", .read = pit_read, .mask = 0xffff, .frequency = PIT_HZ, .restart = pit_restart, .overrun = pit_overrun};
    return &counter;
}

struct sample {
    uint64_t tsc, error;
    uint32_t value;
};

// A counter's value and the TSC at the same moment: the narrowest of several tries. A try spans two reads if
// the counter moved by one between them (its edge lies somewhere in there), and one read if it is the faster
// of the two.
static bool sample_take(const struct clock_counter *counter, struct sample *best) {
    best->error = UINT64_MAX;
    for (uint32_t attempt = 0; attempt < SAMPLES; attempt++) {
        uint64_t before = tsc_read();
        uint32_t first = counter->read(), value, reads = 0;
        uint64_t between = tsc_read(), after;
        for (;; before = between, between = after) {
            value = counter->read();
            after = tsc_read();
            if (value != first)
                break;
            if (++reads == STUCK_READS)
                return false;
        }
        uint64_t start = ((value - first) & counter->mask) == 1 ? before : between;
        if (after - start < best->error) {
            *best = (struct sample){.tsc = start + (after - start) / 2, .error = after - start, .value = value};
        }
    }
    return true;
}

error_t clock_counter_compare(const struct clock_counter *counter, struct clock_comparison *result) {
    uint64_t limit = counter->frequency ? counter->frequency / SPAN_SHARE : 50000000;
    for (uint32_t attempt = 0; attempt < 4; attempt++) {
        struct sample begin, end;
        if (counter->restart)
            counter->restart();
        if (!sample_take(counter, &begin))
            return ERR_IO;
        do {
            if (!sample_take(counter, &end))
                return ERR_IO;
            *result = (struct clock_comparison){.tsc_ticks = end.tsc - begin.tsc,
                                                .counter_ticks = (end.value - begin.value) & counter->mask,
                                                .tsc_error = begin.error + end.error};
        } while (result->counter_ticks == 0 ||
                 (result->tsc_error > result->tsc_ticks / ERROR_SHARE && result->counter_ticks < limit));
        if (!counter->overrun || !counter->overrun())
            return ERR_OK;
    }
    return ERR_IO;
}

uint64_t clock_frequency_round(uint64_t frequency, const struct clock_comparison *comparison) {
    uint64_t tolerance = frequency / 1000 * comparison->tsc_error / (comparison->tsc_ticks / 1000 + 1);
    for (uint64_t unit = 1000000; unit >= 100000; unit /= 10) {
        uint64_t rounded = (frequency + unit / 2) / unit * unit;
        uint64_t distance = rounded > frequency ? rounded - frequency : frequency - rounded;
        if (distance <= tolerance)
            return rounded;
    }
    return frequency;
}
