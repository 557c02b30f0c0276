// See controller.h: the vectors that are not fixed, as a bitmap.
#include "kernel/irq/controller.h"
#include "kernel/x86_64/vectors.h"

const struct irq_controller *irq_controller;

static uint64_t vectors_used[4];

error_t irq_vector_allocate(uint8_t *vector) {
    for (uint32_t candidate = VECTOR_DYNAMIC; candidate < VECTOR_DYNAMIC_END; candidate++) {
        uint64_t bit = 1ull << (candidate % 64);
        if (!(vectors_used[candidate / 64] & bit)) {
            vectors_used[candidate / 64] |= bit;
            *vector = (uint8_t)candidate;
            return ERR_OK;
        }
    }
    return ERR_NO_SPACE;
}

void irq_vector_release(uint8_t vector) {
    if (vector >= VECTOR_DYNAMIC && vector < VECTOR_DYNAMIC_END)
        vectors_used[vector / 64] &= ~(1ull << (vector % 64));
}
