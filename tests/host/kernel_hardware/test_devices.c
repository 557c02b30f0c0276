// Interrupt controllers, calibration and the RTC against the machine model.
#include <string.h>
#include <time.h>

#include "boot/loader/clock_counter.h"
#include "boot/loader/pic.h"
#include "kernel/abi/clock_page.h"
#include "kernel/debug/log.h"
#include "kernel/irq/irq.h"
#include "kernel/x86_64/ioapic.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/pic.h"
#include "kernel/x86_64/vectors.h"
#include "tests/host/kernel_hardware/check.h"
#include "tests/host/kernel_hardware/machine.h"

static struct acpi_information acpi;
static unsigned lapic_ends;

void log_write(enum log_level level, const char *format, ...) {
    (void)level;
    (void)format;
}

// In place of irq.c's: the kernel's own tests use that up.
error_t irq_vector_allocate(uint8_t *vector) {
    static uint8_t next = VECTOR_DYNAMIC;
    *vector = next++;
    return ERR_OK;
}

uint32_t lapic_id(void) {
    return 3;
}

void lapic_end_of_interrupt(void) {
    lapic_ends++;
}

static void pic_test(void) {
    uint8_t vector;
    machine_reset(&acpi);
    pic_initialize();
    CHECK(pics[0].vector_base == 32 && pics[1].vector_base == 40 && pics[0].mask == 0xff && pics[1].mask == 0xff);
    CHECK(pic_controller.route(10, true, true, &vector) == ERR_OK && vector == 42);
    CHECK(edge_level[0] == 0 && edge_level[1] == 1 << 2);
    CHECK(pic_controller.route(10, false, false, &vector) == ERR_OK && edge_level[1] == 0);
    CHECK(pic_controller.route(0, true, true, &vector) == ERR_NOT_SUPPORTED);
    CHECK(pic_controller.route(2, false, false, &vector) == ERR_INVALID);
    CHECK(pic_controller.route(16, false, false, &vector) == ERR_INVALID);
    for (uint32_t line = 0; line < 16; line++) {
        if (line == 2)
            continue;
        CHECK(machine_interrupt(line) == -1);
        pic_controller.mask(line, false);
        int got = machine_interrupt(line);
        CHECK(got == 32 + (int)line && pic_controller.accept((uint8_t)got));
        pic_controller.mask(line, true);
        pic_controller.end_of_interrupt((uint8_t)got); // the model refuses one too many
        CHECK(pics[0].in_service == 0 && pics[1].in_service == 0);
        CHECK(machine_interrupt(line) == -1 && pics[0].mask == 0xff && pics[1].mask == 0xff);
    }
    pic_controller.mask(3, false);
    pic_controller.mask(11, false);
    CHECK(machine_interrupt_vanishing(3) == 39 && !pic_controller.accept(39) && pics[0].in_service == 0);
    CHECK(machine_interrupt_vanishing(11) == 47 && !pic_controller.accept(47) && pics[0].in_service == 0);
    lapic_ends = 0;
    pic_controller.end_of_interrupt(VECTOR_TIMER);
    CHECK(lapic_ends == 1 && !pic_controller.accept(VECTOR_SPURIOUS));
}

static void ioapic_test(void) {
    uint8_t vector, other;
    machine_reset(&acpi);
    acpi.isa_lines[0].gsi = 2;
    acpi.isa_lines[11].gsi = 7; // ISA 7 has lost its line
    CHECK(ioapic_initialize(&acpi));
    for (uint32_t line = 0; line < 48; line++)
        CHECK(redirections[line / 24][2 * (line % 24)] == 1 << 16);

    CHECK(ioapic_controller.route(2, false, false, &vector) == ERR_OK && vector == VECTOR_ISA);
    CHECK(redirections[0][4] == (1 << 16 | VECTOR_ISA) && redirections[0][5] == 3u << 24);
    ioapic_controller.mask(2, false);
    CHECK(redirections[0][4] == VECTOR_ISA);
    ioapic_controller.mask(2, true);
    CHECK(redirections[0][4] == (1 << 16 | VECTOR_ISA));
    CHECK(ioapic_controller.route(9, true, true, &vector) == ERR_OK && vector == VECTOR_ISA + 9);
    CHECK(ioapic_controller.route(7, false, false, &vector) == ERR_OK && vector == VECTOR_ISA + 11);
    CHECK(redirections[0][18] == (1 << 16 | 1 << 15 | 1 << 13 | (VECTOR_ISA + 9)));

    CHECK(ioapic_controller.route(40, true, true, &vector) == ERR_OK && vector >= VECTOR_DYNAMIC);
    CHECK((redirections[1][2 * 16] & 0xff) == vector);
    CHECK(ioapic_controller.route(40, true, true, &other) == ERR_OK && other == vector);
    CHECK(ioapic_controller.route(41, true, true, &other) == ERR_OK && other != vector);
    ioapic_controller.mask(42, false); // never routed: stays masked
    CHECK(redirections[1][2 * 18] & 1 << 16);
    CHECK(ioapic_controller.route(48, false, false, &vector) == ERR_INVALID);
    CHECK(ioapic_controller.route(0xffffffff, false, false, &vector) == ERR_INVALID);
    ioapic_controller.mask(0xffffffff, false);
}

// The frequency that one calibration finds, and how long it took in nanoseconds.
static uint64_t calibrate(const struct clock_counter *reference, uint64_t *taken) {
    struct clock_comparison comparison;
    uint64_t start = (uint64_t)machine.time;
    CHECK(clock_counter_compare(reference, &comparison) == ERR_OK && comparison.counter_ticks > 0);
    *taken = (uint64_t)machine.time - start;
    // The error that it claims is not smaller than the error that it made.
    double real = (double)machine.tsc_frequency * (double)comparison.counter_ticks / (double)reference->frequency;
    double error = (double)comparison.tsc_ticks - real;
    CHECK(error <= (double)comparison.tsc_error && -error <= (double)comparison.tsc_error);
    return clock_frequency_round(comparison.tsc_ticks * reference->frequency / comparison.counter_ticks, &comparison);
}

static const struct clock_counter *reference_choose(int which) {
    return which == 0 ? clock_counter_hpet(&acpi) : which == 1 ? clock_counter_pm_timer(&acpi) : clock_counter_pit();
}

static void calibration_test(void) {
    static const uint64_t frequencies[] = {1000000000, 2300000000, 2995200000, 3579123457, 800000000, 5800000000};
    uint64_t taken;
    for (int which = 0; which < 3; which++) {
        for (unsigned index = 0; index < sizeof frequencies / sizeof *frequencies; index++) {
            machine_reset(&acpi);
            machine.tsc_frequency = frequencies[index];
            machine.time = 123456789; // counters do not start at 0
            uint64_t found = calibrate(reference_choose(which), &taken), real = frequencies[index];
            uint64_t distance = found > real ? found - real : real - found;
            CHECK(distance <= real / 10000);
            CHECK(real % 1000000 != 0 || distance == 0);
            CHECK(taken < 120000000);
        }
        machine_reset(&acpi);
        machine.counters_stuck = true;
        struct clock_comparison comparison;
        CHECK(clock_counter_compare(reference_choose(which), &comparison) == ERR_IO);
    }
    // The host takes the CPU away for longer than the PIT counts, at many moments of the calibration.
    for (uint64_t moment = 0; moment < 60; moment++) {
        machine_reset(&acpi);
        machine.stall_at = moment * 1000000;
        machine.stall_length = 111000000;
        CHECK(calibrate(clock_counter_pit(), &taken) == 1000000000);
    }
    acpi.flags = 0;
    acpi.pm_timer.address = 0;
    CHECK(!clock_counter_hpet(&acpi) && !clock_counter_pm_timer(&acpi));
}

static void clock_page_test(void) {
    struct clock_page page = {.tsc_usable = 0};
    uint64_t now, wall;
    CHECK(!clock_page_read(&page, &now, &wall));
    uint64_t multiplier = (1000000000ull << 32) / 3000000000;
    CHECK(clock_scale(3000000000ull * 86400 * 365, multiplier, 32) / 1000000000 == 86400 * 365 - 1);
    CHECK(clock_scale(1000000000ull * 86400 * 3650, 1ull << 32, 32) == 1000000000ull * 86400 * 3650);
    page = (struct clock_page){.tsc_usable = 1, .multiplier = 1, .monotonic_base = 1ull << 63, .wall_offset = 7};
    CHECK(clock_page_read(&page, &now, &wall) && now >= 1ull << 63 && wall == 7);
}

static uint8_t bcd(int value) {
    return (uint8_t)(value / 10 << 4 | value % 10);
}

static void rtc_decode_test(void) {
    uint64_t seconds;
    for (time_t moment = 0; moment < 4102444800; moment += 86400 * 3 + 12345) { // until 2100
        struct tm tm;
        gmtime_r(&moment, &tm);
        int hour12 = tm.tm_hour % 12 ? tm.tm_hour % 12 : 12, afternoon = tm.tm_hour >= 12 ? 0x80 : 0;
        struct rtc_registers r = {.second = (uint8_t)tm.tm_sec,
                                  .minute = (uint8_t)tm.tm_min,
                                  .hour = (uint8_t)tm.tm_hour,
                                  .day = (uint8_t)tm.tm_mday,
                                  .month = (uint8_t)(tm.tm_mon + 1),
                                  .year = (uint8_t)(tm.tm_year % 100),
                                  .century = (uint8_t)(19 + tm.tm_year / 100),
                                  .format = 6};
        CHECK(rtc_decode(r, &seconds) == ERR_OK && seconds == (uint64_t)moment);
        r.hour = (uint8_t)(hour12 | afternoon);
        r.format = 4;
        CHECK(rtc_decode(r, &seconds) == ERR_OK && seconds == (uint64_t)moment);
        r = (struct rtc_registers){bcd(tm.tm_sec),
                                   bcd(tm.tm_min),
                                   bcd(tm.tm_hour),
                                   bcd(tm.tm_mday),
                                   bcd(tm.tm_mon + 1),
                                   bcd(tm.tm_year % 100),
                                   bcd(19 + tm.tm_year / 100),
                                   2};
        CHECK(rtc_decode(r, &seconds) == ERR_OK && seconds == (uint64_t)moment);
        r.hour = (uint8_t)(bcd(hour12) | afternoon);
        r.format = 0;
        CHECK(rtc_decode(r, &seconds) == ERR_OK && seconds == (uint64_t)moment);
        r.century = 0; // guessed from the year: right from 1970 to 2069
        CHECK(rtc_decode(r, &seconds) == ERR_OK && (moment >= 3155760000 || seconds == (uint64_t)moment));
    }
    const struct rtc_registers good = {0, 0, 0, 1, 1, 26, 20, 6};
    for (unsigned field = 0; field < 6; field++) {
        struct rtc_registers bad = good;
        ((uint8_t *)&bad)[field] = (uint8_t[]){60, 60, 24, 32, 13, 100}[field];
        CHECK(rtc_decode(bad, &seconds) == ERR_INVALID);
    }
    CHECK(rtc_decode((struct rtc_registers){0, 0, 0x1a, 1, 1, 0x26, 0x20, 2}, &seconds) == ERR_INVALID);
    CHECK(rtc_decode((struct rtc_registers){0, 0, 0, 0, 1, 26, 20, 6}, &seconds) == ERR_INVALID);
    CHECK(rtc_decode((struct rtc_registers){0, 0, 0x80, 1, 1, 26, 20, 4}, &seconds) == ERR_INVALID);
    CHECK(rtc_decode((struct rtc_registers){255, 255, 255, 255, 255, 255, 255, 255}, &seconds) == ERR_INVALID);
}

// Read at every moment around the turn of a year, in each format: never a torn date.
static void rtc_read_test(void) {
    for (uint8_t format = 0; format < 8; format += 2) {
        for (uint64_t start = 997000000; start < 1001000000; start += 1700) {
            machine_reset(&acpi);
            machine.rtc_format = format;
            machine.rtc_start = 1798761599; // 2026-12-31T23:59:59Z
            machine.time = start;
            machine.port_time = start / 1700 % 2 ? 700 : 30000; // also so slow that an update can begin in between
            uint64_t seconds, before = machine.rtc_start + start / 1000000000;
            CHECK(rtc_read(0x32, &seconds) == ERR_OK);
            CHECK(seconds >= before && seconds <= machine.rtc_start + (uint64_t)(machine.time / 1000000000));
        }
    }
}

int main(void) {
    pic_test();
    ioapic_test();
    calibration_test();
    clock_page_test();
    rtc_decode_test();
    rtc_read_test();
    return 0;
}
