// Turning the machine off and restarting it.
#pragma once

#include <stdint.h>

// action: enum power_action of kernel/abi/methods.h. Returns only if the machine has no way to do it.
void power_action(uint64_t action);
