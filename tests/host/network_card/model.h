// What the modelled cards share: memory that they reach by physical addresses, the cable, chance. A card
// moves frames when the test lets it (model_step), some at a time, so that they lie around in every state.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drivers/net/service/card.h"

enum { ARENA_BYTES = 1 << 20, MODEL_FRAME_MOST = 2048, MODEL_BAR_BYTES = 0x20000 };
#define ARENA_PHYSICAL UINT64_C(0x1000000)

extern unsigned char arena[ARENA_BYTES];
extern unsigned char model_registers[MODEL_BAR_BYTES]; // never looked at: addresses into it name registers

// The memory behind a physical address. Ends the test if it is not `bytes` of the arena.
void *model_memory(uint64_t physical, uint64_t bytes);

uint32_t chance(uint32_t below);

// Given by the test: a frame that the card put on the cable.
void cable_take(const unsigned char *frame, uint32_t length);

struct model {
    const struct nic_driver *driver;
    uint32_t (*read)(uint32_t offset, uint32_t width);
    void (*write)(uint32_t offset, uint32_t width, uint32_t value);
    uint32_t (*config)(uint32_t offset, uint32_t width);
    void (*step)(void);                                           // moves something, or not
    bool (*receive)(const unsigned char *frame, uint32_t length); // from the cable; false: it has no room
    bool (*interrupts)(void);                                     // whether it interrupts; a message is told of once
    void *(*own)(const struct nic_card *card, size_t *bytes);     // what the driver keeps for an actor
};

extern struct model *model;
extern struct model e1000_model, virtio_model;
