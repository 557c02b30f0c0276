// See rtc.h.
#include <stdbool.h>

#include "kernel/x86_64/registers.h"
#include "boot/loader/rtc.h"
#include "kernel/x86_64/string.h"

enum { CMOS_INDEX = 0x70, CMOS_DATA = 0x71 }; // bit 7 of the index would switch NMIs off
enum { STATUS_A = 0x0a, STATUS_B = 0x0b, UPDATE_IN_PROGRESS = 0x80 };
enum { FORMAT_24_HOURS = 1 << 1, FORMAT_BINARY = 1 << 2, AFTERNOON = 0x80 };
enum { UPDATE_READS_MAX = 50000, ATTEMPTS = 8 }; // an update takes 2.2 ms, a read about a microsecond

static uint8_t cmos_read(uint8_t index) {
    port_write8(CMOS_INDEX, index);
    return port_read8(CMOS_DATA);
}

static struct rtc_registers registers_read(uint8_t century_register) {
    return (struct rtc_registers){.second = cmos_read(0),
                                  .minute = cmos_read(2),
                                  .hour = cmos_read(4),
                                  .day = cmos_read(7),
                                  .month = cmos_read(8),
                                  .year = cmos_read(9),
                                  .century = century_register ? cmos_read(century_register & 0x7f) : 0,
                                  .format = cmos_read(STATUS_B)};
}

error_t rtc_read(uint8_t century_register, uint64_t *seconds) {
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint32_t reads = 0;
        while ((cmos_read(STATUS_A) & UPDATE_IN_PROGRESS) && reads < UPDATE_READS_MAX)
            reads++;
        // An update may begin between two registers: two equal readings cannot both be torn in the same way.
        struct rtc_registers first = registers_read(century_register);
        struct rtc_registers second = registers_read(century_register);
        if (reads < UPDATE_READS_MAX && memcmp(&first, &second, sizeof first) == 0)
            return rtc_decode(first, seconds);
    }
    return ERR_IO;
}

// false: not a number in this format.
static bool number_decode(uint8_t *value, uint8_t format) {
    if (format & FORMAT_BINARY)
        return true;
    uint8_t tens = *value >> 4, ones = *value & 0xf;
    *value = (uint8_t)(tens * 10 + ones);
    return tens <= 9 && ones <= 9;
}

// Days from 1970-01-01 in the Gregorian calendar; years are counted from March, so that the leap day is a
// year's last.
static uint64_t days_from_date(uint32_t year, uint32_t month, uint32_t day) {
    uint32_t shifted_year = month > 2 ? year : year - 1;
    uint32_t shifted_month = month > 2 ? month - 3 : month + 9;
    uint64_t days = 365ull * shifted_year + shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    return days + (153 * shifted_month + 2) / 5 + day - 1 - 719468; // 719468: from 0000-03-01 to 1970-01-01
}

error_t rtc_decode(struct rtc_registers r, uint64_t *seconds) {
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool afternoon = !(r.format & FORMAT_24_HOURS) && (r.hour & AFTERNOON);
    if (!(r.format & FORMAT_24_HOURS))
        r.hour &= (uint8_t)~AFTERNOON;
    if (!number_decode(&r.second, r.format) || !number_decode(&r.minute, r.format) || !number_decode(&r.hour, r.format) ||
        !number_decode(&r.day, r.format) || !number_decode(&r.month, r.format) || !number_decode(&r.year, r.format) ||
        !number_decode(&r.century, r.format))
        return ERR_INVALID;
    if (!(r.format & FORMAT_24_HOURS)) {
        if (r.hour < 1 || r.hour > 12)
            return ERR_INVALID;
        r.hour = (uint8_t)(r.hour % 12 + (afternoon ? 12 : 0));
    }
    uint32_t century = r.century >= 19 && r.century <= 29 ? r.century : r.year >= 70 ? 19 : 20;
    uint32_t year = 100 * century + r.year;
    if (r.second > 59 || r.minute > 59 || r.hour > 23 || r.month < 1 || r.month > 12 || r.day < 1 ||
        r.day > month_days[r.month - 1] || r.year > 99 || year < 1970)
        return ERR_INVALID;
    *seconds = days_from_date(year, r.month, r.day) * 86400 + r.hour * 3600u + r.minute * 60u + r.second;
    return ERR_OK;
}
