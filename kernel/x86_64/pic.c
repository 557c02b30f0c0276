// See pic.h. Line 2 is the cascade: it is open exactly as long as a line of the second PIC may be.
#include "kernel/x86_64/pic.h"

#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { FIRST_COMMAND = 0x20, FIRST_DATA = 0x21, SECOND_COMMAND = 0xa0, SECOND_DATA = 0xa1 };
enum { EDGE_LEVEL = 0x4d0, READ_IN_SERVICE = 0x0b, END_OF_INTERRUPT = 0x20 }; // the first: two bytes, one bit per line
enum { LINES = 16, CASCADE = 2, LINES_ALWAYS_EDGE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13 };

// Polarity follows the trigger: the edge/level register turns the pin's sense too.
static error_t pic_route(uint32_t line, bool level, bool active_low, uint8_t *vector) {
    (void)active_low;
    if (line >= LINES || line == CASCADE)
        return ERR_INVALID;
    if (level && (LINES_ALWAYS_EDGE >> line & 1))
        return ERR_NOT_SUPPORTED;
    uint16_t port = (uint16_t)(EDGE_LEVEL + line / 8);
    uint8_t bit = (uint8_t)(1 << line % 8), old = port_read8(port);
    port_write8(port, level ? old | bit : old & (uint8_t)~bit);
    *vector = (uint8_t)(VECTOR_ISA + line);
    return ERR_OK;
}

static void pic_mask(uint32_t line, bool masked) {
    static uint16_t masks = 0xffff;
    if (line >= LINES)
        return;
    masks = (uint16_t)(masked ? masks | 1 << line : masks & ~(1 << line));
    port_write8(FIRST_DATA, (uint8_t)(masks >> 8 == 0xff ? masks : masks & ~(1 << CASCADE)));
    port_write8(SECOND_DATA, (uint8_t)(masks >> 8));
}

static uint8_t in_service(uint16_t command) {
    port_write8(command, READ_IN_SERVICE);
    return port_read8(command);
}

// A request that vanished before it was acknowledged comes as the PIC's lowest line, with nothing in service.
// When it is the second's, the first did put its cascade in service.
static bool pic_accept(uint8_t vector) {
    if (vector == VECTOR_ISA + 7)
        return in_service(FIRST_COMMAND) >> 7;
    if (vector == VECTOR_ISA + 15 && !(in_service(SECOND_COMMAND) >> 7)) {
        port_write8(FIRST_COMMAND, END_OF_INTERRUPT);
        return false;
    }
    return vector != VECTOR_SPURIOUS;
}

static void pic_end_of_interrupt(uint8_t vector) {
    if (vector < VECTOR_ISA || vector >= VECTOR_ISA + LINES) {
        lapic_end_of_interrupt(); // its own timer or an IPI
        return;
    }
    if (vector >= VECTOR_ISA + 8)
        port_write8(SECOND_COMMAND, END_OF_INTERRUPT);
    port_write8(FIRST_COMMAND, END_OF_INTERRUPT);
}

const struct irq_controller pic_controller = {"PIC", pic_route, pic_mask, pic_accept, pic_end_of_interrupt};
