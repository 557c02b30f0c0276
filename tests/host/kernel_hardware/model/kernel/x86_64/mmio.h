// Stands before the kernel's header of the same name in host builds: registers of the machine model.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"

uint32_t mmio_read32(const volatile void *base, uint32_t offset);
void mmio_write32(volatile void *base, uint32_t offset, uint32_t value);
