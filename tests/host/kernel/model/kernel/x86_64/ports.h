// Ports of the modelled machine: nothing is behind them.
#pragma once

#include <stdint.h>

static inline void port_write(uint16_t port, uint8_t width, uint32_t value) {
    (void)port, (void)width, (void)value;
}
static inline uint32_t port_read(uint16_t port, uint8_t width) {
    (void)width;
    return port;
}
