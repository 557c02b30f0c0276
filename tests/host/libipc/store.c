// Stores to state memory as they are in the guest; state_test.c has others, which it cuts off anywhere.
#include <string.h>

#include "libipc/state/store.h"

void state_store_bytes(void *to, const void *from, uint64_t length) {
    memcpy(to, from, length);
}

void state_store_word(uint32_t *to, uint32_t value) {
    *to = value;
}
