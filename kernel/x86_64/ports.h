// Access to an I/O port of a width that is known only at run time: 1, 2 or 4 bytes.
#pragma once

#include "kernel/x86_64/registers.h"

static inline void port_write(uint16_t port, uint8_t width, uint32_t value) {
    if (width == 1)
        port_write8(port, (uint8_t)value);
    else if (width == 2)
        port_write16(port, (uint16_t)value);
    else
        port_write32(port, value);
}

static inline uint32_t port_read(uint16_t port, uint8_t width) {
    return width == 1 ? port_read8(port) : width == 2 ? port_read16(port) : port_read32(port);
}
