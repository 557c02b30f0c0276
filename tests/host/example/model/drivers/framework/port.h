// In place of drivers/framework/port.h: ports of the modelled clock, in rtc_test.c.
#pragma once

#include <stdint.h>

uint8_t port_read8(uint16_t port);
void port_write8(uint16_t port, uint8_t value);
