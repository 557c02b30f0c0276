// See device.h.
#include "drivers/example/device.h"

#include "drivers/framework/port.h"
#include "drivers/example/registers.h"

// Reading a register a thousand times takes longer than an update (2 ms at most), on any machine and in QEMU.
enum { UPDATE_READS_MAX = 50000, ATTEMPTS = 8, BAD = 0xff };

static uint8_t get(const struct rtc *rtc, uint8_t index) {
    port_write8((uint16_t)(rtc->port + RTC_INDEX), index);
    return port_read8((uint16_t)(rtc->port + RTC_DATA));
}

static void set(const struct rtc *rtc, uint8_t index, uint8_t value) {
    port_write8((uint16_t)(rtc->port + RTC_INDEX), index);
    port_write8((uint16_t)(rtc->port + RTC_DATA), value);
}

void rtc_start(struct rtc *rtc, uint16_t port) {
    rtc->port = port;
    uint8_t status = get(rtc, RTC_STATUS_B);
    status &= (uint8_t) ~(RTC_B_ALARM_INTERRUPT | RTC_B_PERIODIC_INTERRUPT);
    set(rtc, RTC_STATUS_B, status | RTC_B_UPDATE_INTERRUPT);
    (void)get(rtc, RTC_STATUS_C); // what was pending before
}

bool rtc_take_interrupt(struct rtc *rtc) {
    return (get(rtc, RTC_STATUS_C) & RTC_C_UPDATED) != 0;
}

// BAD: no number in this format.
static uint8_t decode(uint8_t value, uint8_t status) {
    if (status & RTC_B_BINARY)
        return value;
    uint8_t tens = value >> 4, ones = value & 15;
    return tens > 9 || ones > 9 ? BAD : (uint8_t)(tens * 10 + ones);
}

static uint8_t decode_hour(uint8_t value, uint8_t status) {
    if (status & RTC_B_24_HOURS)
        return decode(value, status);
    uint8_t hour = decode(value & (uint8_t)~RTC_HOUR_AFTERNOON, status);
    if (hour < 1 || hour > 12)
        return BAD;
    return (uint8_t)(hour % 12 + (value & RTC_HOUR_AFTERNOON ? 12 : 0));
}

static bool wait_for_update(const struct rtc *rtc) {
    for (uint32_t i = 0; i < UPDATE_READS_MAX; i++)
        if (!(get(rtc, RTC_STATUS_A) & RTC_A_UPDATING))
            return true;
    return false;
}

static struct rtc_time read_once(const struct rtc *rtc) {
    uint8_t status = get(rtc, RTC_STATUS_B);
    return (struct rtc_time){
        .year = (uint16_t)(2000 + decode(get(rtc, RTC_YEAR), status)),
        .month = decode(get(rtc, RTC_MONTH), status),
        .day = decode(get(rtc, RTC_DAY), status),
        .hour = decode_hour(get(rtc, RTC_HOUR), status),
        .minute = decode(get(rtc, RTC_MINUTE), status),
        .second = decode(get(rtc, RTC_SECOND), status),
    };
}

static bool is_valid(const struct rtc_time *time) {
    return time->year <= 2099 && time->month >= 1 && time->month <= 12 && time->day >= 1 && time->day <= 31 && time->hour <= 23 &&
           time->minute <= 59 && time->second <= 59;
}

error_t rtc_now(struct rtc *rtc, struct rtc_time *time) {
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (!wait_for_update(rtc))
            return ERR_IO;
        // An update may begin between two registers; two equal readings can't both be torn in the same way.
        struct rtc_time first = read_once(rtc), second = read_once(rtc);
        if (__builtin_memcmp(&first, &second, sizeof(first)) != 0)
            continue;
        *time = first;
        return is_valid(time) ? ERR_OK : ERR_IO;
    }
    return ERR_IO;
}
