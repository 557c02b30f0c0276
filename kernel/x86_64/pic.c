// See pic.h. Line 2 is the cascade: it is open exactly as long as a line of the second PIC may be.
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/pic.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { FIRST_COMMAND = 0x20, FIRST_DATA = 0x21, SECOND_COMMAND = 0xa0, SECOND_DATA = 0xa1 };
enum { EDGE_LEVEL = 0x4d0 }; // two bytes, one bit per line
enum { LINES = 16, CASCADE = 2, LINES_ALWAYS_EDGE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13 };
enum { INITIALIZE = 0x11, MODE_8086 = 0x01, READ_IN_SERVICE = 0x0b, END_OF_INTERRUPT = 0x20 };

static uint16_t masked = 0xffff;

static void masks_write(void) {
    uint16_t value = masked;
    if ((value >> 8) != 0xff)
        value &= (uint16_t) ~(1 << CASCADE);
    port_write8(FIRST_DATA, (uint8_t)value);
    port_write8(SECOND_DATA, (uint8_t)(value >> 8));
}

void pic_initialize(void) {
    masked = 0xffff;
    port_write8(FIRST_COMMAND, INITIALIZE);
    port_write8(SECOND_COMMAND, INITIALIZE);
    port_write8(FIRST_DATA, VECTOR_ISA);
    port_write8(SECOND_DATA, VECTOR_ISA + 8);
    port_write8(FIRST_DATA, 1 << CASCADE);
    port_write8(SECOND_DATA, CASCADE);
    port_write8(FIRST_DATA, MODE_8086);
    port_write8(SECOND_DATA, MODE_8086);
    masks_write();
}

// Polarity follows the trigger: the edge/level register turns the pin's sense too.
static error_t pic_route(uint32_t line, enum irq_trigger trigger, enum irq_polarity polarity,
                         uint8_t *vector) {
    (void)polarity;
    if (line >= LINES || line == CASCADE)
        return ERR_INVALID;
    if (trigger == IRQ_LEVEL && (LINES_ALWAYS_EDGE >> line & 1))
        return ERR_NOT_SUPPORTED;
    uint16_t port = (uint16_t)(EDGE_LEVEL + line / 8);
    uint8_t bit = (uint8_t)(1 << line % 8);
    uint8_t old = port_read8(port);
    port_write8(port, trigger == IRQ_LEVEL ? old | bit : old & (uint8_t)~bit);
    *vector = (uint8_t)(VECTOR_ISA + line);
    return ERR_OK;
}

static void pic_mask(uint32_t line) {
    if (line < LINES) {
        masked |= (uint16_t)(1 << line);
        masks_write();
    }
}

static void pic_unmask(uint32_t line) {
    if (line < LINES) {
        masked &= (uint16_t) ~(1 << line);
        masks_write();
    }
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

const struct irq_controller pic_controller = {
    .name = "PIC",
    .route = pic_route,
    .mask = pic_mask,
    .unmask = pic_unmask,
    .accept = pic_accept,
    .end_of_interrupt = pic_end_of_interrupt,
};
