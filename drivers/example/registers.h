// Registers of the MC146818 clock, as PCs have it: an index port and a data port (IBM PC AT Technical
// Reference, "CMOS RAM"; Motorola MC146818 data sheet, "Registers").
#pragma once

enum {
    RTC_INDEX = 0, // offsets from the first port
    RTC_DATA = 1,

    RTC_SECOND = 0x00,
    RTC_MINUTE = 0x02,
    RTC_HOUR = 0x04,
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_STATUS_A = 0x0a,
    RTC_STATUS_B = 0x0b,
    RTC_STATUS_C = 0x0c, // reading it takes the interrupt back

    RTC_A_UPDATING = 1 << 7,
    RTC_B_24_HOURS = 1 << 1,
    RTC_B_BINARY = 1 << 2,
    RTC_B_UPDATE_INTERRUPT = 1 << 4,
    RTC_B_ALARM_INTERRUPT = 1 << 5,
    RTC_B_PERIODIC_INTERRUPT = 1 << 6,
    RTC_C_UPDATED = 1 << 4,

    RTC_HOUR_AFTERNOON = 1 << 7, // with 12 hours
};
