// In place of drivers/framework/mmio.h: registers of the modelled cards, in e1000_model.c and virtio_model.c.
#pragma once

#include <stdint.h>

uint8_t mmio_read8(volatile void *registers, uint32_t offset);
uint16_t mmio_read16(volatile void *registers, uint32_t offset);
uint32_t mmio_read32(volatile void *registers, uint32_t offset);
void mmio_write8(volatile void *registers, uint32_t offset, uint8_t value);
void mmio_write16(volatile void *registers, uint32_t offset, uint16_t value);
void mmio_write32(volatile void *registers, uint32_t offset, uint32_t value);
