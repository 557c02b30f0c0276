// Stands in front of libipc/state/store.h in host builds: the test sees memory after every single store.
#pragma once

#include <stdint.h>

void state_store_bytes(void *to, const void *from, uint64_t length);
void state_store_word(uint32_t *to, uint32_t value);
