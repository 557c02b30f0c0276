// The ports of a model: in front of the driver's header of the same path.
#pragma once

#include <stdint.h>

uint8_t port_read8(uint16_t port);
void port_write8(uint16_t port, uint8_t value);
