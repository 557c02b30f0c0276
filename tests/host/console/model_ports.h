// Set by a test: its model of a device behind ports.
#pragma once

#include <stdint.h>

extern uint8_t (*model_read)(uint16_t port);
extern void (*model_write)(uint16_t port, uint8_t value);
