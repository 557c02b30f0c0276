// See mouse.h.
#include "drivers/input/ps2/mouse.h"

#include "drivers/input/ps2/registers.h"

enum { BUTTONS = 7, ALWAYS = 1 << 3, X_NEGATIVE = 1 << 4, Y_NEGATIVE = 1 << 5, OVERFLOW = 3 << 6 };

bool mouse_decode(struct mouse_decoder *decoder, bool has_wheel, uint8_t byte, struct mouse_packet *packet) {
    if (decoder->count == 0 && !(byte & ALWAYS))
        return false; // not the first byte of a packet
    decoder->bytes[decoder->count++] = byte;
    // Its first words. As a packet they would be a button and a movement that is too large: nothing is lost.
    if (decoder->count == 2 && decoder->bytes[0] == PS2_DEVICE_TEST_PASSED && byte == 0) {
        decoder->count = 0;
        *packet = (struct mouse_packet){.plugged = true, .changed = decoder->buttons};
        decoder->buttons = 0;
        return true;
    }
    if (decoder->count < (has_wheel ? 4 : 3))
        return false;
    const uint8_t *bytes = decoder->bytes;
    decoder->count = 0;
    *packet = (struct mouse_packet){.buttons = bytes[0] & BUTTONS};
    packet->changed = packet->buttons ^ decoder->buttons;
    decoder->buttons = packet->buttons;
    if (!(bytes[0] & OVERFLOW)) { // what is too large is not told
        packet->x = (int16_t)(bytes[1] - (bytes[0] & X_NEGATIVE ? 256 : 0));
        packet->y = (int16_t)((bytes[0] & Y_NEGATIVE ? 256 : 0) - bytes[2]);
    }
    if (has_wheel)
        packet->wheel = (int16_t)((bytes[3] & 0xf) - (bytes[3] & 8 ? 16 : 0));
    return true;
}
