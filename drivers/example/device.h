// The clock chip behind its two ports. Nothing here waits or knows of messages: it runs on the host as well,
// against a model.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "libipc/protocols/rtc.h"

struct rtc {
    uint16_t port; // the first of two
};

// Lets the chip interrupt at each change of the second, and at nothing else.
void rtc_start(struct rtc *rtc, uint16_t port);

// Takes the chip's interrupt back. True if the second changed.
bool rtc_take_interrupt(struct rtc *rtc);

// The time, from two readings that agree. ERR_IO: it never holds still, or shows no valid time.
MUST_USE error_t rtc_now(struct rtc *rtc, struct rtc_time *time);
