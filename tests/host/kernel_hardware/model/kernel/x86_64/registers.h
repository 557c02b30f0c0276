// Stands before the kernel's header of the same name in host builds: ports, MSRs and the TSC of the machine
// model.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PIT_HZ = 1193182, PIT_CHANNEL_0 = 0x40, PIT_COMMAND = 0x43 };

uint8_t port_read8(uint16_t port);
uint32_t port_read32(uint16_t port);
void port_write8(uint16_t port, uint8_t value);
uint64_t tsc_read(void);
bool rdrand_try(uint64_t *value);
bool rdseed_try(uint64_t *value);
