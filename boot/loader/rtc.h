// The battery-backed clock (Motorola MC146818), read once at boot.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"

// The registers as they were read at one moment.
struct rtc_registers {
    uint8_t second, minute, hour, day, month, year, century;
    uint8_t format; // register B: bit 2 binary, bit 1 24 hours
};

// Seconds since 1970-01-01T00:00:00Z, taking the RTC to run in UTC. century_register: its CMOS index, 0 if
// there is none. ERR_IO: it never holds still; ERR_INVALID: no valid date.
error_t rtc_read(uint8_t century_register, uint64_t *seconds) MUST_USE;

// The arithmetic of it. century 0: years 70 to 99 are 19xx.
error_t rtc_decode(struct rtc_registers registers, uint64_t *seconds) MUST_USE;
