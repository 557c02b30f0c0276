// In place of drivers/framework/port.h: ports of the modelled IDE controller, in ide_model.c.
#pragma once

#include <stdint.h>

uint8_t port_read8(uint16_t port);
uint16_t port_read16(uint16_t port);
uint32_t port_read32(uint16_t port);
void port_write8(uint16_t port, uint8_t value);
void port_write16(uint16_t port, uint16_t value);
void port_write32(uint16_t port, uint32_t value);
void port_read_words(uint16_t port, void *to, uint32_t count);
void port_write_words(uint16_t port, const void *from, uint32_t count);
