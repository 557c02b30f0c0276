// The clock driver's device.c over a model of the chip: formats, an update that begins in the midst of a
// reading, a chip that never holds still, invalid times, the interrupt.
#include "tests/host/cmocka_test.h"

#include <string.h>

#include "drivers/example/device.h"
#include "drivers/example/registers.h"
#include "drivers/framework/port.h"

enum { PORT = 0x70 };

static uint8_t registers[64], selected;
static uint32_t reads, update_after,
    updating_for; // the update: after how many reads, how many show it in progress
static uint8_t next_second, next_minute;

uint8_t port_read8(uint16_t port) {
    assert_int_equal(port, PORT + RTC_DATA);
    uint8_t value = registers[selected];
    if (selected == RTC_STATUS_C)
        registers[selected] = 0;
    if (selected == RTC_STATUS_A && updating_for != 0 && updating_for-- != 0)
        value |= RTC_A_UPDATING;
    if (++reads == update_after) {
        registers[RTC_SECOND] = next_second;
        registers[RTC_MINUTE] = next_minute;
    }
    return value;
}

void port_write8(uint16_t port, uint8_t value) {
    if (port == PORT + RTC_INDEX) {
        assert_true(value < sizeof(registers)); // bit 7 would switch NMIs off
        selected = value;
        return;
    }
    assert_int_equal(port, PORT + RTC_DATA);
    registers[selected] = value;
}

static void show(uint8_t status, uint8_t hour, uint8_t minute, uint8_t second) {
    memset(registers, 0, sizeof(registers));
    reads = update_after = updating_for = 0;
    registers[RTC_STATUS_B] = status;
    registers[RTC_YEAR] = status & RTC_B_BINARY ? 26 : 0x26;
    registers[RTC_MONTH] = status & RTC_B_BINARY ? 11 : 0x11;
    registers[RTC_DAY] = status & RTC_B_BINARY ? 21 : 0x21;
    registers[RTC_HOUR] = hour;
    registers[RTC_MINUTE] = minute;
    registers[RTC_SECOND] = second;
}

static struct rtc rtc = {.port = PORT};

static void expect(uint8_t hour, uint8_t minute, uint8_t second) {
    struct rtc_time time;
    assert_int_equal(rtc_now(&rtc, &time), ERR_OK);
    assert_int_equal(time.year, 2026);
    assert_int_equal(time.month, 11);
    assert_int_equal(time.day, 21);
    assert_int_equal(time.hour, hour);
    assert_int_equal(time.minute, minute);
    assert_int_equal(time.second, second);
}

static void formats(void **state) {
    (void)state;
    show(RTC_B_24_HOURS, 0x23, 0x59, 0x07);
    expect(23, 59, 7);
    show(RTC_B_24_HOURS | RTC_B_BINARY, 23, 59, 7);
    expect(23, 59, 7);
    show(0, 0x12, 0x00, 0x00); // 12 at night
    expect(0, 0, 0);
    show(0, 0x12 | RTC_HOUR_AFTERNOON, 0x00, 0x00);
    expect(12, 0, 0);
    show(0, 0x11 | RTC_HOUR_AFTERNOON, 0x00, 0x00);
    expect(23, 0, 0);
}

// Whenever the update comes, what is read is the time before or the time after.
static void torn_readings(void **state) {
    (void)state;
    for (uint32_t when = 1; when < 40; when++) {
        show(RTC_B_24_HOURS, 0x10, 0x29, 0x59);
        next_minute = 0x30;
        next_second = 0x00;
        update_after = when;
        struct rtc_time time;
        assert_int_equal(rtc_now(&rtc, &time), ERR_OK);
        assert_true((time.minute == 29 && time.second == 59) || (time.minute == 30 && time.second == 0));
    }
}

static void no_time(void **state) {
    (void)state;
    struct rtc_time time;
    show(RTC_B_24_HOURS, 0x10, 0x29, 0x59);
    updating_for = 100;
    expect(10, 29, 59);
    updating_for = UINT32_MAX;
    assert_int_equal(rtc_now(&rtc, &time), ERR_IO);
    show(RTC_B_24_HOURS, 0x10, 0x61, 0x00);
    assert_int_equal(rtc_now(&rtc, &time), ERR_IO);
    show(RTC_B_24_HOURS, 0x10, 0x1f, 0x00);
    assert_int_equal(rtc_now(&rtc, &time), ERR_IO);
    show(0, 0x13, 0x00, 0x00);
    assert_int_equal(rtc_now(&rtc, &time), ERR_IO);
}

static void interrupt(void **state) {
    (void)state;
    show(RTC_B_24_HOURS | RTC_B_ALARM_INTERRUPT | RTC_B_PERIODIC_INTERRUPT, 0, 0, 0);
    registers[RTC_STATUS_C] = RTC_C_UPDATED;
    rtc_start(&rtc, PORT);
    assert_int_equal(registers[RTC_STATUS_B], RTC_B_24_HOURS | RTC_B_UPDATE_INTERRUPT);
    assert_false(rtc_take_interrupt(&rtc)); // what was pending is gone
    registers[RTC_STATUS_C] = RTC_C_UPDATED;
    assert_true(rtc_take_interrupt(&rtc));
    assert_false(rtc_take_interrupt(&rtc));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(torn_readings),
        cmocka_unit_test(no_time),
        cmocka_unit_test(interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
